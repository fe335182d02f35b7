"""A person's shell among the processes of this machine, on a terminal that we have made for it."""

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import termios
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from roundel.backends.finishing import finished
from roundel.backends.namespaces import way_of_shell
from roundel.backends.processes import (
    DEFAULT_SIGNALS,
    Identity,
    in_session,
    reap,
    wait_gone,
)
from roundel.backends.protocol import NoShell
from roundel.backends.users import JobUser
from roundel.domain.shells import WindowSize

_NO_WAY = (
    "There is no way into this job: it is ending, or its runner's machine lacks the programs "
    "nsenter and setpriv (of util-linux)."
)
_READ_BYTES = 64 * 1024
_POLITE_SECONDS = 0.5  # between HUP and KILL


class PtyShell:
    """Implements `protocol.Shell` on the near end of a terminal.  `pid` leads its session."""

    def __init__(self, terminal: int, pid: int) -> None:
        self._terminal = terminal
        self._pid = pid
        self._over = asyncio.Event()
        self._watch = os.pidfd_open(pid)
        asyncio.get_running_loop().add_reader(self._watch, self._is_over)

    async def read(self) -> bytes:
        """Return what it printed next; empty once it has ended."""
        loop = asyncio.get_running_loop()
        while True:
            was_over = self._over.is_set()
            try:
                return os.read(self._terminal, _READ_BYTES)
            except BlockingIOError:
                if was_over:  # what it left running may hold the terminal open
                    return b""
            except OSError:  # nobody has the far end any more
                return b""
            await self._ready(loop.add_reader, loop.remove_reader)

    async def write(self, data: bytes) -> None:
        """Type this; waits while the terminal takes no more."""
        loop = asyncio.get_running_loop()
        while data and not self._over.is_set():
            try:
                data = data[os.write(self._terminal, data) :]
            except BlockingIOError:
                await self._ready(loop.add_writer, loop.remove_writer)
            except OSError:
                return

    async def resize(self, size: WindowSize) -> None:
        """Tell the terminal its size; programs on it hear of it by a signal."""
        with contextlib.suppress(OSError):
            _set_size(self._terminal, size)

    async def end(self) -> None:
        """End all of the session: HUP, then KILL.  What left the session is the job's."""
        try:
            self._signal(signal.SIGHUP)
            await wait_gone(self._pid, _POLITE_SECONDS)
            for _ in range(100):
                if not self._signal(signal.SIGKILL):
                    break
                await asyncio.sleep(0.01)  # nobody tells when somebody else's children have ended
            await wait_gone(self._pid)
        finally:
            asyncio.get_running_loop().remove_reader(self._watch)
            os.close(self._watch)
            os.close(self._terminal)
            # Only now may the number be another's; until then the session could be no other.
            reap(self._pid)

    def _signal(self, number: signal.Signals) -> bool:
        found = in_session(self._pid)
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        return bool(found)

    def _is_over(self) -> None:
        asyncio.get_running_loop().remove_reader(self._watch)
        self._over.set()

    async def _ready(
        self, add: Callable[[int, Callable[[], None]], None], remove: Callable[[int], object]
    ) -> None:
        stirs = asyncio.Event()
        add(self._terminal, stirs.set)
        over = asyncio.ensure_future(self._over.wait())
        ready = asyncio.ensure_future(stirs.wait())
        try:
            await asyncio.wait([over, ready], return_when=asyncio.FIRST_COMPLETED)
        finally:
            remove(self._terminal)
            over.cancel()
            ready.cancel()


@asynccontextmanager
async def pty_shell(
    argv: tuple[str, ...], environment: Mapping[str, str], owner: int | None, size: WindowSize
) -> AsyncIterator[PtyShell]:
    """Run a program on a terminal of its own, which is `owner`'s; leaving the block ends it."""
    terminal, far = os.openpty()
    try:
        if owner is not None:
            os.fchown(far, owner, -1)
        os.fchmod(far, 0o600)
        _set_size(terminal, size)
        os.set_blocking(terminal, False)
        shell = PtyShell(terminal, _spawned(argv, environment, os.ttyname(far)))
    except OSError as error:
        os.close(terminal)
        raise NoShell(f"A shell cannot be started in this job: {error.strerror}.") from error
    finally:
        os.close(far)
    try:
        yield shell
    finally:
        await finished(shell.end())


def _spawned(argv: tuple[str, ...], environment: Mapping[str, str], terminal: str) -> int:
    return os.posix_spawn(
        argv[0],
        argv,
        environment,
        # Opened by the leader of a new session, it becomes the terminal of that session.
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, terminal, os.O_RDWR, 0),
            (os.POSIX_SPAWN_DUP2, 0, 1),
            (os.POSIX_SPAWN_DUP2, 0, 2),
        ],
        setsid=True,
        setsigmask=(),
        setsigdef=DEFAULT_SIGNALS,
    )


def job_shell(
    supervisor: Identity,
    isolation: tuple[str, ...],
    user: JobUser | None,
    base: Mapping[str, str],
    script: str,
    size: WindowSize,
) -> AbstractAsyncContextManager[PtyShell]:
    """Run a script where a job's supervisor is, as whom its steps are.  Raise NoShell."""
    number = None if user is None else user.number
    way = way_of_shell(supervisor.pid, isolation, number) if supervisor.alive() else None
    if way is None:
        raise NoShell(_NO_WAY)
    environment = {**base, "TERM": "xterm-256color"}
    return pty_shell((*way, "/bin/sh", script), environment, number, size)


def _set_size(terminal: int, size: WindowSize) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size.rows, size.columns, 0, 0))
