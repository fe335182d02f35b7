"""The protocol of back ends: a maker of sandboxes, and one job's sandbox."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from roundel.domain.ids import ExecutionId
from roundel.domain.records import dataclass
from roundel.domain.runners import JobOrder

if TYPE_CHECKING:
    from roundel.domain.shells import WindowSize

GRACE_SECONDS = 3.0  # between TERM and KILL; a cancelled job must be gone within 10 s


class SandboxLost(Exception):  # read as an answer, like the domain's errors
    """The job's world is gone (engine restarted, container removed); `str()` says how."""


class CannotOpen(Exception):
    """The world could not be made; `str()` is a sentence for the job's first step.

    `infrastructure` tells ours (engine down) from the user's (no such image, no such shell).
    """

    def __init__(self, message: str, *, infrastructure: bool) -> None:
        super().__init__(message)
        self.infrastructure = infrastructure


class NoShell(Exception):
    """Nobody gets a shell in this job now; `str()` is a sentence that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a step's process ended.  `code` is None if it was killed before it could tell."""

    code: int | None
    oom: bool = False
    disk_full: bool = False  # the disk that the job folder is on, when the step failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a job uses: processor time in ms since its begin, and bytes of memory just now."""

    cpu_ms: int
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOrder:
    """One process to run in the sandbox, in a shell of its own.

    `argv` is the shell with its flags; the script's path is appended (its text after a last
    `-c`).  `cwd` is absolute, begins with `~` (the user's home inside) or is relative to the
    job's directory, which is entered first and made if it is missing.  `environment` lies over
    the job's.
    """

    index: int
    script: str
    argv: tuple[str, ...] | None  # None: bash -eo pipefail if there is one, else sh
    cwd: str | None
    environment: dict[str, str]
    background: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the sandbox has inside."""

    bash: bool
    git: bool
    ssh: bool


class Output(Protocol):
    """Where a step's raw bytes go.  Awaiting it is the back-pressure."""

    async def __call__(self, data: bytes, source_end: int) -> None: ...


class Archives(Protocol):
    """How an engine itself reads and writes a job's files, as tar streams and as root."""

    def read(self, path: str) -> AsyncIterator[bytes]:
        """Yield the archive of a path; its entries begin with the path's last name."""

    async def write(self, path: str, data: AsyncIterator[bytes]) -> None:
        """Unpack an archive in a folder.  Raise OSError if the engine refuses."""


class Shell(Protocol):
    """A person's shell in a job, on a terminal of its own."""

    async def read(self) -> bytes:
        """Return what it printed next; empty once it has ended."""

    async def write(self, data: bytes) -> None:
        """Type this; waits while the terminal takes no more."""

    async def resize(self, size: "WindowSize") -> None:
        """Tell the terminal its size."""


class Sandbox(Protocol):
    """One job's private world: its files, network and service containers."""

    @property
    def opened_how(self) -> str:
        """Lines for "Spin up environment": image digests, start times, warnings."""

    async def facts(self) -> Facts:
        """Return what is inside, once the supervisor has looked.

        Raise SandboxLost as `run`, and CannotOpen where the image could not run it.
        """

    def sees(self, path: Path) -> bool:
        """Tell whether this path of the runner's machine is the same inside."""

    def put(self, name: str) -> tuple[Path, str]:
        """Return where the runner may put files for the job, and the same place from inside."""

    async def run(self, step: StepOrder, out: Output, *, from_offset: int = 0) -> Exit:
        """Run one step to its end; after adoption, go on with one that is under way or has ended.

        A non-zero code is an Exit, never an exception.  If the caller is cancelled, stop the step
        (politely, then by force) before letting the cancellation out, unless `keep` was said.
        Raise SandboxLost if the world itself is gone.
        """

    async def measured(self, *, cheaply: bool) -> Use | None:
        """Return what the job uses.

        None: that cannot be told, or `cheaply` was asked and it takes more than a few looks.
        """

    async def stop_step(self, index: int) -> None:
        """End a step's processes: TERM, then KILL after the grace time.  May be said twice."""

    async def question(self, number: int) -> str:
        """Return the name of question `number` from 0, once something inside has asked it."""

    @property
    def remote_docker(self) -> str | None:
        """A sentence on the container engine that `setup_remote_docker` gives; None: there is none.

        Where there is one, the steps' environment leads to it already.
        """

    def archives(self) -> Archives | None:
        """Return the engine's own way to a job's files; None where only the job's tar can."""

    def terminal(self, environment: Mapping[str, str]) -> tuple[str, ...] | None:
        """Return the command that gives a terminal of this machine a shell beside the steps.

        The shell has the steps' environment with `environment` over it, and stands in the job's
        directory.  None: there is no way in here.
        """

    def shell(self, size: "WindowSize") -> AbstractAsyncContextManager[Shell]:
        """Start a shell beside the steps, with their rights, environment and directory.

        Leaving the block ends it with all that was started on its terminal; what has left that
        is the job's, and goes with it.  Raise NoShell, and SandboxLost if the world is gone.
        """

    async def save(self, name: str, folder: Path, *, cheaply: bool) -> str | None:
        """Keep the job's files as they are now; services are left out.

        Return the image `name` in the back end's engine, or an empty text if they lie in `folder`.
        None: they are not kept, as that cannot be, or `cheaply` was asked and it costs a copy of
        everything.  Raise OSError if it fails.
        """

    async def restore(self, folder: Path) -> None:
        """Put back what `save` has left in `folder`, before the first step.  Raise OSError."""

    def halted(self) -> bool:
        """Tell whether a step asked to end the job here (`circleci step halt`)."""

    def keep(self) -> None:
        """Leave everything running when the block is left: another runner will adopt it."""


class Ahead(Protocol):
    """Makes the worlds of jobs that have not come yet.

    No step runs in them, and nobody's secret lies there; a job that fits is given one by
    `Backend.open`.
    """

    most: int  # of how many next jobs it is to be told (`JobOrder.next`); 0 where any job fits

    def serve(self, home: Path, free: Callable[[], int]) -> None:
        """Begin, for jobs with folders in `home`; `free` tells for how many there is a slot."""

    async def drop(self) -> None:
        """Remove what nobody took."""


class Backend(Protocol):
    """A maker of sandboxes.  One per runner process, used by many jobs at once."""

    @property
    def ahead(self) -> Ahead | None:
        """What prepares for jobs that may come next; None where nothing is prepared."""

    async def why_unusable(self) -> str | None:
        """Return None if jobs can run here, else a sentence that says what to do."""

    def open(self, order: JobOrder, folder: Path) -> AbstractAsyncContextManager[Sandbox]:
        """Make a sandbox, or adopt the one that `folder` belongs to if it still lives.

        `folder` exists, belongs to this execution alone and only the runner can enter it.
        Leaving the block removes all of it but `folder` itself, however we leave (see
        `Sandbox.keep`).  Raise CannotOpen with a clear sentence otherwise, and SandboxLost if
        there was a world here and it is gone.
        """

    async def sweep(self, home: Path, alive: Collection[ExecutionId]) -> int:
        """Remove what dead runners left of jobs with folders in `home`, except for `alive`.

        `alive` may grow meanwhile: it is asked after the look for what is there.  Return how many
        there were.
        """

    async def drop_saved(self, repository: str, tags: Collection[str] | None = None) -> int:
        """Remove images that `Sandbox.save` has made, all of a repository or these tags of it.

        Return how many; what is not there, or still used, is left.
        """

    async def close(self) -> None:
        """Give back what the back end itself holds, and what is `ahead`; sandboxes stay."""
