"""Topics under which changes are told to those who watch: hints, which carry no data."""

from collections.abc import Callable
from typing import TypeAlias

Wake: TypeAlias = Callable[[str], None]


def nobody(topic: str) -> None:
    """Wake nobody: for reads, which change nothing."""


def topic_of_changes(project_id: str) -> str:
    """A pipeline, a workflow or a job of the project is new or stands differently."""
    return f"changes:{project_id}"


def topic_of_steps(execution_id: str) -> str:
    """A step of the execution has begun or ended."""
    return f"steps:{execution_id}"
