"""A person's shell in a container: an exec with a terminal, and a second one that ends it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiodocker.containers import DockerContainer
from aiodocker.exceptions import DockerError
from aiodocker.execs import Exec
from aiodocker.stream import Stream

from roundel.backends.docker.containers import INSIDE
from roundel.backends.finishing import finished
from roundel.backends.protocol import NoShell
from roundel.domain.shells import WindowSize

# The engine would leave its terminal at the usual ones, which people type in their editors.
DETACH_KEYS = "ctrl-^,ctrl-],ctrl-^,ctrl-_,ctrl-^,ctrl-]"
_RESIZE_TRIES, _RESIZE_PAUSE_SECONDS = 20, 0.05  # until the engine has made the terminal
_TROUBLE = (DockerError, aiohttp.ClientError, OSError)

_START = """
echo $$ >"$1"
exec /bin/sh "$2"
"""
# Nothing but a shell is needed: the session is the fourth word behind the program's name.
_END = """
read -r leader <"$1" || exit 0
rm -f "$1"
kill -HUP "$leader"
for round in 1 2 3; do
  for folder in /proc/[0-9]*; do
    read -r line <"$folder/stat" || continue
    set -- ${line##*) }
    [ "$4" = "$leader" ] && kill -KILL "${folder#/proc/}"
  done
done 2>/dev/null
"""


class ExecShell:
    """Implements `protocol.Shell` on an exec that runs."""

    def __init__(self, started: Exec, stream: Stream) -> None:
        self._exec = started
        self._stream = stream

    async def read(self) -> bytes:
        """Return what it printed next; empty once it has ended."""
        try:
            while (said := await self._stream.read_out()) is not None:
                if said.data:
                    return bytes(said.data)
        except _TROUBLE:  # its container is gone
            return b""
        return b""

    async def write(self, data: bytes) -> None:
        """Type this; waits while the engine takes no more."""
        with contextlib.suppress(*_TROUBLE, AssertionError, RuntimeError):
            await self._stream.write_in(data)

    async def resize(self, size: WindowSize) -> None:
        """Tell the terminal its size."""
        for _ in range(_RESIZE_TRIES):
            try:
                await self._exec.resize(h=size.rows, w=size.columns)
            except DockerError:
                await asyncio.sleep(_RESIZE_PAUSE_SECONDS)
            except (aiohttp.ClientError, OSError):
                return
            else:
                return


@asynccontextmanager
async def exec_shell(
    container: DockerContainer, script: str, size: WindowSize
) -> AsyncIterator[ExecShell]:
    """Run a script in a container as the job's user; leaving the block ends it.  Raise NoShell."""
    name = script.rpartition("/")[2]
    pid_file = f"{INSIDE}/{name}.pid"
    stream: Stream | None = None
    try:
        try:
            started = await container.exec(
                ["/bin/sh", "-c", _START, "sh", pid_file, script],
                stdin=True,
                tty=True,
                environment={"TERM": "xterm-256color"},
                detach_keys=DETACH_KEYS,
            )
            stream = started.start()
            await stream._init()  # it has no public way to begin without a block
        except _TROUBLE as error:
            raise NoShell(f"The container engine gives no shell in this job: {error}.") from error
        shell = ExecShell(started, stream)
        await shell.resize(size)
        yield shell
    finally:
        if stream is not None:
            await finished(_end(container, pid_file, stream))


async def _end(container: DockerContainer, pid_file: str, stream: Stream) -> None:
    """End an exec with all of its session: an engine has no call for that."""
    with contextlib.suppress(*_TROUBLE, AssertionError):
        await stream.close()
    with contextlib.suppress(*_TROUBLE):
        ending = await container.exec(["/bin/sh", "-c", _END, "sh", pid_file])
        async with asyncio.timeout(10), ending.start() as said:
            while await said.read_out() is not None:
                pass
