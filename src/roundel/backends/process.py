"""Jobs as processes of this machine: for trusted code, and where there is no container engine.

The supervisor is detached from the runner (a session of its own) and outlives it.  Where the
kernel lets us, it is the first process of a PID namespace, so that its end is the end of every
process of the job, and it has a /tmp of its own.
"""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from roundel.backends.copies import Copies
from roundel.backends.finishing import finished
from roundel.backends.folder import JobFolder
from roundel.backends.former import IDENTITY, refuse_another
from roundel.backends.ground import Ground
from roundel.backends.namespaces import private_tmp, way_in
from roundel.backends.output import CAP_BYTES
from roundel.backends.process_notice import notice
from roundel.backends.process_use import ProcessTable, use_at_the_end
from roundel.backends.processes import (
    DEFAULT_SIGNALS,
    HOME_MARK,
    MARK,
    Identity,
    children,
    end_marked,
    executions_of,
    identity_of,
    reap,
    wait_gone,
    watched,
)
from roundel.backends.protocol import CannotOpen, Sandbox, SandboxLost, Shell, Use
from roundel.backends.sandbox import FolderSandbox
from roundel.backends.users import (
    INSIDE,
    NAME,
    JobUser,
    forget_user,
    has_own_user,
    user_of,
)
from roundel.backends.wakeups import Wakeups
from roundel.domain.ids import ExecutionId
from roundel.domain.plan import DEFAULT_WORKING_DIRECTORY, ExecutorKind
from roundel.domain.runners import JobOrder

if TYPE_CHECKING:
    from roundel.domain.shells import WindowSize

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHARED_TMP = Path("/tmp")  # noqa: S108 - over which a job's own is laid


class ProcessBackend:
    """Opens sandboxes as sessions of this machine; without `namespaces` not even isolated."""

    ahead = None  # a world costs too little to make it before its job comes

    def __init__(
        self,
        *,
        namespaces: bool = True,
        own_users: bool = True,
        cap_bytes: int = CAP_BYTES,
        engine: bool = False,
    ) -> None:
        self._ground = Ground(namespaces=namespaces, own_users=own_users)
        self._engine = engine  # whether jobs may use this machine's container engine
        self._cap = cap_bytes
        self._wakeups: Wakeups | None = None
        self._table = ProcessTable()

    async def why_unusable(self) -> str | None:
        """A POSIX shell is all that is needed."""
        if os.name != "posix" or not os.access("/bin/sh", os.X_OK):
            return "Jobs cannot run as processes here: there is no /bin/sh."
        self._ground.begin()
        return None

    def open(self, order: JobOrder, folder: Path) -> AbstractAsyncContextManager[Sandbox]:
        """Start a supervisor, or find the one that was started in `folder`."""
        return self._open(order, folder)

    async def sweep(self, home: Path, alive: Collection[ExecutionId]) -> int:
        """Kill what carries the mark of a job of `home` that is no longer wanted."""
        left = await asyncio.to_thread(executions_of, str(home)) - set(alive)
        for execution in left:
            await end_marked(execution)
        return len(left)

    async def drop_saved(self, repository: str, tags: Collection[str] | None = None) -> int:
        """There are no images here."""
        del repository, tags
        return 0

    async def close(self) -> None:
        """Give back the inotify descriptor."""
        await self._ground.close()
        if self._wakeups is not None:
            self._wakeups.close()
            self._wakeups = None

    @asynccontextmanager
    async def _open(self, order: JobOrder, root: Path) -> AsyncIterator[Sandbox]:
        execution = order.lease.execution_id
        if self._wakeups is None:
            self._wakeups = Wakeups()
        isolation, own_users = await self._ground.known()
        folder = JobFolder(root, execution)
        refuse_another(root, IDENTITY)
        reaches_engine = self._engine or order.executor.kind is ExecutorKind.MACHINE
        # Who has the machine's engine, or is to be at home on the machine, has all of it anyway.
        user = user_of(execution) if own_users and not reaches_engine else None
        if folder.exists():  # as an earlier runner has begun it
            user = user_of(execution) if has_own_user(root) else None
        sandbox = _ProcessSandbox(
            folder,
            self._wakeups,
            user=user,
            environment=_environment(order),
            job_directory=order.working_directory or DEFAULT_WORKING_DIRECTORY,
            cap_bytes=self._cap,
        )
        if reaches_engine:
            sandbox.remote_docker = "Using the container engine of this machine."
        sandbox.opened_how = notice(order, isolation, user)
        identity_file = root / IDENTITY
        supervisor = Identity.load(identity_file) if folder.exists() else None
        adopted = supervisor is not None
        if supervisor is None:
            await self._clear(folder)
            folder.make()
        with sandbox:
            if supervisor is None:
                supervisor = self._start(order, folder, isolation, user)
                supervisor.save(identity_file)
            try:
                base = self._base(order, folder, isolation, user)
                sandbox.keeper = Copies(folder.root)
                sandbox.meter = partial(self._use, supervisor.pid)
                if user is None:  # people look into their own jobs only
                    sandbox.entrance = lambda: way_in(supervisor.pid, isolation, base)
                else:
                    sandbox.launch_inside = str(INSIDE / "launch")
                sandbox.shells = partial(_shell, (supervisor, isolation, user, base))
                with watched(supervisor, sandbox.lost):
                    if adopted:
                        _check_alive(supervisor)
                    yield sandbox
            finally:
                if not sandbox.kept:
                    await finished(self._remove(supervisor, folder, isolation))

    async def _use(self, pid: int, cheaply: bool) -> Use | None:
        if cheaply:
            return use_at_the_end(pid)
        return await asyncio.to_thread(self._table.use_of, pid)

    def _start(
        self,
        order: JobOrder,
        folder: JobFolder,
        isolation: tuple[str, ...],
        user: JobUser | None,
    ) -> Identity:
        home, tmp = folder.root / "home", folder.root / "tmp"
        home.mkdir(mode=0o755, exist_ok=True)
        tmp.mkdir(exist_ok=True)
        tmp.chmod(0o1777)
        argv = [*isolation, "/bin/sh", str(folder.job / "supervisor.sh")]
        argv += [str(folder.job), str(folder.secrets)]
        own_tmp = private_tmp(isolation)
        if user is not None:
            user.prepare(folder, home, tmp)
            argv += ["-u", str(user.number), str(folder.root)]
        elif own_tmp:
            if folder.root.is_relative_to(_SHARED_TMP):  # a place where it stays in sight
                (tmp / folder.root.relative_to(_SHARED_TMP)).mkdir(parents=True, exist_ok=True)
            argv += ["-t", str(tmp), str(folder.root)]
        if user is None:
            _make_working_directory(order, home)
        environment = self._base(order, folder, isolation, user)
        log = os.open(folder.root / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        null = os.open(os.devnull, os.O_RDWR)
        try:
            pid = os.posix_spawn(
                argv[0],
                argv,
                environment,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, null, 0),
                    (os.POSIX_SPAWN_DUP2, null, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                ],
                setsid=True,
                setsigmask=(),
                setsigdef=DEFAULT_SIGNALS,
            )
        except OSError as error:
            raise CannotOpen(
                f"The job's supervisor cannot be started: {error.strerror}.", infrastructure=True
            ) from error
        finally:
            os.close(null)
            os.close(log)
        started = identity_of(pid)
        if started is None:
            reap(pid)
            raise CannotOpen("The job's supervisor ended at once.", infrastructure=True)
        return started

    @staticmethod
    def _base(
        order: JobOrder, folder: JobFolder, isolation: tuple[str, ...], user: JobUser | None
    ) -> dict[str, str]:
        """Return the variables that are there before those of the job."""
        home = folder.root / "home" if user is None else INSIDE / "home"
        tmp = folder.root / "tmp"
        environment = {
            "PATH": os.environ.get("PATH", _PATH),
            "HOME": str(home),
            "TMPDIR": str(_SHARED_TMP if private_tmp(isolation) else tmp),
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            MARK: order.lease.execution_id,
            HOME_MARK: str(folder.root.parent),
        }
        for name in ("USER", "LOGNAME", "SHELL", "TZ"):
            if name in os.environ:
                environment[name] = os.environ[name]
        if user is not None:
            environment |= {"USER": NAME, "LOGNAME": NAME, "SHELL": "/bin/sh"}
        return environment

    async def _remove(
        self, supervisor: Identity, folder: JobFolder, isolation: tuple[str, ...]
    ) -> None:
        """End every process of the job, then remove its files."""
        ended = bool(isolation) and await _end_namespace(supervisor)
        if not ended and supervisor.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(supervisor.pid, signal.SIGKILL)
            await wait_gone(supervisor.pid)
        reap(supervisor.pid)
        if not ended:
            await end_marked(folder.execution)
        await self._clear(folder)

    @staticmethod
    async def _clear(folder: JobFolder) -> None:
        root = folder.root
        if not folder.exists() and not folder.job.exists():
            return
        # A runner may have died between starting a supervisor and writing down which it was.
        if not (root / IDENTITY).exists():
            await end_marked(folder.execution)
        await asyncio.to_thread(_remove_files, folder)


class _ProcessSandbox(FolderSandbox):
    def __init__(
        self,
        folder: JobFolder,
        wakeups: Wakeups,
        *,
        user: JobUser | None,
        environment: dict[str, str],
        job_directory: str,
        cap_bytes: int,
    ) -> None:
        super().__init__(
            folder,
            wakeups,
            inside=str(folder.job if user is None else INSIDE / "job"),
            environment=environment,
            job_directory=job_directory,
            cap_bytes=cap_bytes,
        )
        self._user = user

    def sees(self, path: Path) -> bool:
        """All but what a private /tmp hides; another user than ours may be kept from the rest."""
        return self._user is None and not path.is_relative_to(_SHARED_TMP)


def _shell(
    who: "tuple[Identity, tuple[str, ...], JobUser | None, dict[str, str]]",
    script: str,
    size: "WindowSize",
) -> AbstractAsyncContextManager[Shell]:
    from roundel.backends.pty_shell import job_shell  # no run without a server needs it

    return job_shell(*who, script, size)


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
    forget_user(root)
    for name in (IDENTITY, "supervisor.log"):
        (root / name).unlink(missing_ok=True)


def _make_working_directory(order: JobOrder, home: Path) -> None:
    """Make it here, if it is below the job's home: the supervisor starts a program for that."""
    tilde, _, below = (order.working_directory or DEFAULT_WORKING_DIRECTORY).partition("/")
    if tilde == "~" and not below.startswith("/") and ".." not in below.split("/"):
        with contextlib.suppress(OSError):  # then the step says so
            (home / below).mkdir(parents=True, exist_ok=True)


def _environment(order: JobOrder) -> dict[str, str]:
    image = order.executor.images[0].environment if order.executor.images else {}
    return {**image, **order.environment}


def _check_alive(supervisor: Identity) -> None:
    if not supervisor.alive():
        raise SandboxLost("the job's processes ended while no runner was there")
