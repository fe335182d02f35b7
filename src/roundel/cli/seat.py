"""Who watches a local run, and from where: a live view, lines, or a tool."""

import contextlib
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import field
from typing import TYPE_CHECKING, Any

from roundel.cli.output import Failure
from roundel.domain.records import dataclass

if TYPE_CHECKING:
    from roundel.app.local_desk import Desk
    from roundel.app.local_events import Audience


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Who hears of a run, and what they can do; `closing` is left once the run is over."""

    audience: "Audience"
    follow: bool = False
    desk: "Desk | None" = None
    stays: bool = False
    asks: bool = False  # somebody can be asked before the run begins
    decide: Callable[[str, str], Awaitable[bool | None]] | None = None
    closing: contextlib.AbstractContextManager[object] = field(
        default_factory=contextlib.nullcontext
    )


def sit(options: dict[str, Any]) -> Seat:
    """Return the seat that the options and the terminal make."""
    shells = options["shell_on_failure"] or options["breaks"]
    if options["as_json"]:
        if shells:
            raise Failure("a shell needs a terminal: leave out --json")
        from roundel.cli.run_json import JsonEvents

        return Seat(audience=JsonEvents(), follow=True)
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    drawn = terminal and os.environ.get("TERM", "dumb") != "dumb" and not options["plain"]
    if drawn and not options["dry_run"]:
        from roundel.cli.live import LiveView  # only here: it takes a while to load

        view = LiveView()
        return Seat(
            audience=view,
            follow=True,
            desk=view,
            stays=True,
            asks=True,
            decide=view.decide,
            closing=contextlib.closing(view),
        )
    from roundel.cli.run_output import Plain

    if not shells:
        return Seat(audience=Plain(), asks=terminal)
    if not terminal:
        raise Failure("a shell needs a terminal, and this is none")
    from roundel.cli.lending import PlainDesk

    return Seat(audience=Plain(), desk=PlainDesk(), asks=True)
