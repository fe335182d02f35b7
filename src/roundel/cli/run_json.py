"""A local run for tools: one JSON object a line on standard output."""

from typing import TYPE_CHECKING

import click
import msgspec

if TYPE_CHECKING:
    from roundel.app.local_events import Event

_WORDS = {
    "JobBegan": "job-began",
    "StepTold": "step",
    "OutputLine": "output",
    "Progress": "progress",
    "JobEnded": "job-ended",
    "WorkflowStands": "workflow",
    "Waiting": "waiting",
    "Approved": "approved",
    "Note": "note",
    "Planned": "plan",
    "Summary": "summary",
}


class JsonEvents:
    """Writes each event with its kind as `event`."""

    def hear(self, event: "Event") -> None:
        """Write an event."""
        line = {"event": _WORDS[type(event).__name__], **msgspec.to_builtins(event)}
        click.echo(msgspec.json.encode(line).decode())
