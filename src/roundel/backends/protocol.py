"""The protocol of back ends: a maker of sandboxes, and one job's sandbox."""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from roundel.domain.ids import ExecutionId
from roundel.domain.runners import JobOrder


class SandboxLost(Exception):  # read as an answer, like the domain's errors
    """The job's world is gone (engine restarted, container removed); `str()` says how."""


class CannotOpen(Exception):
    """The world could not be made; `str()` is a sentence for the job's first step.

    `infrastructure` tells ours (engine down) from the user's (no such image, no such shell).
    """

    def __init__(self, message: str, *, infrastructure: bool) -> None:
        super().__init__(message)
        self.infrastructure = infrastructure


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a step's process ended.  `code` is None if it was killed before it could tell."""

    code: int | None
    oom: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOrder:
    """One process to run in the sandbox, in a shell of its own.

    `argv` is the shell with its flags; the script's path is appended.  `cwd` is absolute or
    begins with `~` (the user's home inside).  `environment` lies over the job's.
    """

    index: int
    script: str
    argv: tuple[str, ...] | None  # None: bash -eo pipefail if there is one, else sh -e
    cwd: str | None
    environment: dict[str, str]
    background: bool = False


class Output(Protocol):
    """Where a step's raw bytes go.  Awaiting it is the back-pressure."""

    async def __call__(self, data: bytes, source_end: int) -> None: ...


class Sandbox(Protocol):
    """One job's private world: its files, network and service containers."""

    @property
    def opened_how(self) -> str:
        """Lines for "Spin up environment": image digests, start times, warnings."""

    async def run(self, step: StepOrder, out: Output, *, from_offset: int = 0) -> Exit:
        """Run one step to its end; after adoption, go on with one that is under way or has ended.

        A non-zero code is an Exit, never an exception.  If the caller is cancelled, stop the step
        (politely, then by force) before letting the cancellation out.  Raise SandboxLost if the
        world itself is gone.
        """

    async def stop_step(self, index: int) -> None:
        """End a step's processes: TERM, then KILL after the grace time."""


class Backend(Protocol):
    """A maker of sandboxes.  One per runner process, used by many jobs at once."""

    async def why_unusable(self) -> str | None:
        """Return None if jobs can run here, else a sentence that says what to do."""

    def open(self, order: JobOrder, folder: Path) -> AbstractAsyncContextManager[Sandbox]:
        """Make a sandbox, or adopt the one that `folder` belongs to if it still lives.

        Leaving the block removes all of it, however we leave.  Raise CannotOpen with a clear
        sentence otherwise.
        """

    async def sweep(self, alive: Collection[ExecutionId]) -> int:
        """Remove what dead runners left behind, except for `alive`; return how many."""
