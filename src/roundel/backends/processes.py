"""Processes as the kernel knows them: who they are, which belong to a job, how to end them."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from roundel.domain.ids import ExecutionId
from roundel.domain.records import dataclass
from roundel.wire.programs import end_of

MARK = "ROUNDEL_EXECUTION"  # in the environment of every process of a job
HOME_MARK = "ROUNDEL_HOME"
# Python ignores these; a job's programs expect them as they are by default.
DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_END_SECONDS = 5.0
_READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A process that cannot be confused with a later one of the same number."""

    pid: int
    start: str  # clock ticks since the machine's start, field 22 of its stat
    boot: str

    def alive(self) -> bool:
        """Tell whether it still runs."""
        return identity_of(self.pid) == self

    def save(self, path: Path, name: str = "") -> None:
        """Write it down for a runner that comes after us, with the name that it was made by."""
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps([self.pid, self.start, self.boot, name]))
        draft.replace(path)

    @staticmethod
    def load(path: Path) -> "tuple[Identity, str] | None":
        """Return what was written down, or None."""
        try:
            pid, start, boot, *name = json.loads(path.read_text())
        except (OSError, ValueError):
            return None
        return Identity(pid=int(pid), start=str(start), boot=str(boot)), "".join(name)


def told(path: str) -> bytes:
    """Return what a file of /proc says.  OSError if its process is gone.

    Each job asks a dozen times, so this is no more than the calls that it takes.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        said = b""
        while more := os.read(descriptor, _READ_BYTES):
            said += more
        return said
    finally:
        os.close(descriptor)


def stat_of(pid: int) -> list[str] | None:
    """Return the fields of a process's stat from its state on, None if it is gone."""
    try:
        # The name before them is what the process calls itself, brackets and bytes included.
        return told(f"/proc/{pid}/stat").rpartition(b")")[2].decode().split()
    except OSError:
        return None


@cache
def _boot() -> str:
    """Return which start of the machine this is."""
    return told("/proc/sys/kernel/random/boot_id").decode().strip()


def identity_of(pid: int) -> Identity | None:
    """Return the process of this number, or None if there is none or it is a zombie."""
    fields = stat_of(pid)
    if fields is None or fields[0] in "ZX":
        return None
    try:
        return Identity(pid=pid, start=fields[19], boot=_boot())
    except OSError:
        return None


def children(pid: int) -> list[int]:
    """Return the direct children of a process."""
    try:
        return [int(word) for word in told(f"/proc/{pid}/task/{pid}/children").split()]
    except OSError:
        return []


def marked(name: str, value: str) -> list[int]:
    """Return the processes whose environment has `name=value`, ourselves excepted."""
    wanted = f"{name}={value}".encode()
    ourselves = str(os.getpid())
    found = []
    for number in os.listdir("/proc"):  # noqa: PTH208 - the whole machine's, so it has to be quick
        if not number.isdigit() or number == ourselves:
            continue
        with contextlib.suppress(OSError):
            environment = told(f"/proc/{number}/environ")
            if wanted in environment and wanted in environment.split(b"\0"):
                found.append(int(number))
    return found


def in_session(leader: int) -> list[int]:
    """Return the processes of a session that have not ended."""
    found = []
    for number in os.listdir("/proc"):  # noqa: PTH208 - as above
        fields = stat_of(int(number)) if number.isdigit() else None
        if fields is not None and fields[3] == str(leader) and fields[0] not in "ZX":
            found.append(int(number))
    return found


def executions_of(home: str) -> set[ExecutionId]:
    """Return the executions that processes of this home folder's jobs belong to."""
    found = set()
    for pid in marked(HOME_MARK, home):
        with contextlib.suppress(OSError):
            for word in told(f"/proc/{pid}/environ").split(b"\0"):
                name, _, value = word.decode(errors="replace").partition("=")
                if name == MARK:
                    found.add(ExecutionId(value))
    return found


async def wait_gone(pid: int, seconds: float = _END_SECONDS) -> bool:
    """Return True once the process has ended, False if it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            await end_of(pid)
    except TimeoutError:
        return False
    except ProcessLookupError:
        return True
    return True


async def succeeds(*command: str) -> bool:
    """Run a program that neither reads nor says anything; tell whether it ended well.

    It is ours to wait for by its descriptor, so that nobody has to start a thread that does.
    """
    pid = _started(command)
    if pid is None:
        return False
    if not await wait_gone(pid):
        os.kill(pid, signal.SIGKILL)
        await wait_gone(pid)
    return reap(pid) == 0


def _started(command: tuple[str, ...]) -> int | None:
    null = os.open(os.devnull, os.O_RDWR)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)]
        return os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    except OSError:
        return None
    finally:
        os.close(null)


async def end_marked(execution: ExecutionId) -> None:
    """Kill every process that carries this execution's mark until there is none."""
    for _ in range(100):  # a job that forks faster than this is stopped by nothing but a reboot
        pids = await asyncio.to_thread(marked, MARK, execution)
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            reap(pid)
            await wait_gone(pid, 1.0)
            reap(pid)


def reap(pid: int) -> int | None:
    """Collect a child's end, if it is a child of ours and has ended; return how it ended."""
    with contextlib.suppress(ChildProcessError):
        ended, status = os.waitpid(pid, os.WNOHANG)
        return status if ended else None
    return None


@contextlib.contextmanager
def watched(supervisor: Identity, lost: Callable[[str], None]) -> Iterator[None]:
    """Say so when a job's supervisor is gone."""
    how = "the job's supervisor process was killed"
    try:
        descriptor = os.pidfd_open(supervisor.pid)
    except ProcessLookupError:
        lost(how)
        yield
        return
    loop = asyncio.get_running_loop()

    def gone() -> None:
        loop.remove_reader(descriptor)
        reap(supervisor.pid)
        lost(how)

    loop.add_reader(descriptor, gone)
    if not supervisor.alive():
        lost(how)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
