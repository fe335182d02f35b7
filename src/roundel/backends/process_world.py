"""The world of a job that runs as processes: its supervisor, its user, its folders."""

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
from pathlib import Path

from roundel.backends.ahead import remove_folder_ahead
from roundel.backends.folder import JobFolder
from roundel.backends.former import IDENTITY
from roundel.backends.namespaces import private_tmp
from roundel.backends.processes import (
    DEFAULT_SIGNALS,
    HOME_MARK,
    MARK,
    Identity,
    children,
    end_marked,
    identity_of,
    reap,
    wait_gone,
)
from roundel.backends.protocol import CannotOpen
from roundel.backends.skeleton import skeleton
from roundel.backends.users import INSIDE, NAME, JobUser
from roundel.domain.records import dataclass

SHARED_TMP = Path("/tmp")  # noqa: S108 - over which a job's own is laid
# As the supervisor has them: what its job comes by, and two pipes, one for it and the shells of its
# first step, one among these.
_GATE = 4
_PIPES = ((5, 6), (7, 8))
_ABOVE = 9  # the least number that is none of them
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Where a job is, or one that has not come yet.  `home` is the folder of all jobs here."""

    folder: JobFolder
    home: Path
    isolation: tuple[str, ...]
    user: JobUser | None

    def base(self) -> dict[str, str]:
        """Return the variables that are there before those of the job."""
        root = self.folder.root
        own_home = root / "home" if self.user is None else INSIDE / "home"
        own_tmp = SHARED_TMP if private_tmp(self.isolation) else root / "tmp"
        environment = {
            "PATH": os.environ.get("PATH", _PATH),
            "HOME": str(own_home),
            "TMPDIR": str(own_tmp),
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            MARK: self.folder.execution,
            HOME_MARK: str(self.home),
        }
        for name in ("USER", "LOGNAME", "SHELL", "TZ"):
            if name in os.environ:
                environment[name] = os.environ[name]
        if self.user is not None:
            environment |= {"USER": NAME, "LOGNAME": NAME, "SHELL": "/bin/sh"}
        return environment

    def start(self, gate: int | None = None, *, with_shells: bool = False) -> Identity:
        """Start the supervisor, in folders that are made for it.  Raise CannotOpen, or OSError.

        From `gate` it learns that its job has come; without, it is there already.  `with_shells`
        those of the job's first step wait beside it.
        """
        folder = self.folder
        folder.make(programs_beside=self.user is not None)
        home, tmp = folder.root / "home", folder.root / "tmp"
        home.mkdir(mode=0o755, exist_ok=True)
        tmp.mkdir(exist_ok=True)
        tmp.chmod(0o1777)
        programs = folder.job if self.user is None else skeleton(self.home)
        argv = [*self.isolation, "/bin/sh", str(programs / "supervisor.sh")]
        argv += [str(folder.job), str(folder.secrets)]
        if gate is not None:
            argv.append("-a" if with_shells else "-w")
        if self.user is not None:
            self.user.prepare(folder, home, tmp, programs)
            argv += ["-u", str(self.user.number), str(folder.private)]
        elif private_tmp(self.isolation):
            if folder.root.is_relative_to(SHARED_TMP):  # a place where it stays in sight
                (tmp / folder.root.relative_to(SHARED_TMP)).mkdir(parents=True, exist_ok=True)
            argv += ["-t", str(tmp), str(folder.root)]
        pid = self._spawned(argv, gate, with_shells=with_shells)
        started = identity_of(pid)
        if started is None:
            reap(pid)
            raise CannotOpen("The job's supervisor ended at once.", infrastructure=True)
        return started

    def _spawned(self, argv: list[str], gate: int | None, *, with_shells: bool) -> int:
        path = self.folder.private / "supervisor.log"
        with contextlib.ExitStack() as ours:

            def given(descriptor: int) -> int:
                ours.callback(os.close, descriptor)
                return descriptor

            log = given(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
            null = given(os.open(os.devnull, os.O_RDWR))
            places = [(null, 0), (null, 1), (log, 2)]
            if gate is not None:
                places.append((gate, _GATE))
            for numbers in _PIPES if with_shells else ():
                ends = [given(end) for end in os.pipe2(os.O_CLOEXEC)]
                # Out of the way of the numbers that are to be theirs.
                high = [given(fcntl.fcntl(it, fcntl.F_DUPFD_CLOEXEC, _ABOVE)) for it in ends]
                places += zip(high, numbers, strict=True)
            try:
                return os.posix_spawn(
                    argv[0],
                    argv,
                    self.base(),
                    file_actions=[(os.POSIX_SPAWN_DUP2, *place) for place in places],
                    setsid=True,
                    setsigmask=(),
                    setsigdef=DEFAULT_SIGNALS,
                )
            except OSError as error:
                raise CannotOpen(
                    f"The job's supervisor cannot be started: {error.strerror}.",
                    infrastructure=True,
                ) from error

    def make_directory(self, path: str) -> None:
        """Make the working directory, if it is below the job's home and nothing has run there yet.

        The supervisor would start a program for that.
        """
        tilde, _, below = path.partition("/")
        if tilde != "~" or below.startswith("/") or ".." in below.split("/"):
            return
        place = self.folder.root / "home"
        with contextlib.suppress(OSError):  # then the step says so
            for name in filter(None, below.split("/")):
                place /= name
                place.mkdir(exist_ok=True)
                if self.user is not None:
                    os.chown(place, self.user.number, self.user.number, follow_symlinks=False)

    async def remove(self, supervisor: Identity) -> None:
        """End every process of the job, then remove its files."""
        ended = bool(self.isolation) and await _end_namespace(supervisor)
        if not ended and supervisor.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(supervisor.pid, signal.SIGKILL)
            await wait_gone(supervisor.pid)
        reap(supervisor.pid)
        if not ended:
            await end_marked(self.folder.execution)
        await asyncio.to_thread(self.remove_files)

    def remove_files(self) -> None:
        """Remove them, where no process of the job is left."""
        if self.folder.root.parent == self.home:
            _remove_files(self.folder)
        else:
            remove_folder_ahead(self.home, self.folder.execution)


async def clear(folder: JobFolder) -> None:
    """Remove what a runner made here, or had begun to make; may be said twice."""
    if not folder.exists() and not folder.job.exists():
        return
    # A runner may have died between starting a supervisor and writing down which it was.
    if not (folder.root / IDENTITY).exists():
        await end_marked(folder.execution)
    await asyncio.to_thread(_remove_files, folder)


async def _end_namespace(supervisor: Identity) -> bool:
    """End a namespace; return whether all of it has certainly ended.

    The end of its first process is the end of all of it, and the program that made the namespace
    ends only after that.  Where that program was killed alone, or has not come so far as to make
    the first process, nobody knows.
    """
    if not supervisor.alive():
        return False
    found = children(supervisor.pid)
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(found) and await wait_gone(supervisor.pid)


def _remove_files(folder: JobFolder) -> None:
    folder.remove()
    root = folder.root
    for name in ("home", "tmp"):
        shutil.rmtree(f"{root}/{name}", ignore_errors=True)
    (root / IDENTITY).unlink(missing_ok=True)
