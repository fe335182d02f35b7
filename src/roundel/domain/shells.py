"""Shells of people in jobs that run: how long they last, and the line from a person to a job."""

from typing import Protocol, TypeAlias

from roundel.domain.records import dataclass

IDLE_SECONDS = 600.0  # without a key being pressed
LONGEST_SECONDS = 3600.0
MOST_OF_A_JOB = 4  # at once, each node's own
MOST_COLUMNS, MOST_ROWS = 500, 300
LONGEST_TYPED = 16 * 1024  # bytes at once; a longer paste comes in pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSize:
    """How many characters a terminal shows."""

    columns: int = 80
    rows: int = 24

    def bounded(self) -> "WindowSize":
        """Return a size that a terminal can have, whatever was asked for."""
        return WindowSize(
            columns=min(max(self.columns, 2), MOST_COLUMNS),
            rows=min(max(self.rows, 2), MOST_ROWS),
        )


Typed: TypeAlias = bytes | WindowSize  # keys, or a window that has another size now


class ShellLine(Protocol):
    """A runner's end of the line to a person who wants a shell in its job."""

    @property
    def size(self) -> WindowSize:
        """What the person's window shows at the beginning."""

    async def heard(self) -> Typed | None:
        """Return what was typed next; None once the person has hung up."""

    async def say(self, data: bytes) -> None:
        """Hand over what the shell printed, masked; waits while the person takes no more."""

    async def end(self, why: str) -> None:
        """Hang up; the person reads why."""
