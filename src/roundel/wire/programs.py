"""Programs with pipes to their three streams, started without a copy of our memory.

The loop's own way forks: all the page tables of a server are copied, and the loop stands still
meanwhile.  The standard library's borrows the memory until the program begins instead.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

_LIMIT = 64 * 1024  # bytes of a line; also how much is read ahead


class Program:
    """One that runs, in a session of its own: what it starts ends with it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._readers: list[asyncio.BaseTransport] = []
        self._writer: asyncio.WriteTransport | None = None
        self.stdin: asyncio.StreamWriter
        self.stdout: asyncio.StreamReader
        self.stderr: asyncio.StreamReader

    async def connect(self) -> None:
        """Let the loop have the pipes."""
        self.stdout = await self._reading(self._process.stdout)
        self.stderr = await self._reading(self._process.stderr)
        loop = asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader(loop=loop), loop=loop)
        self._writer, _ = await loop.connect_write_pipe(lambda: protocol, self._process.stdin)
        self.stdin = asyncio.StreamWriter(self._writer, protocol, None, loop)

    async def output(self) -> tuple[bytes, bytes]:
        """Return what it says from here to its end on its two streams."""
        self.stdin.close()
        out, error = await asyncio.gather(self.stdout.read(), self.stderr.read())
        return out, error

    async def code(self) -> int:
        """Wait for its end; return its exit code, or the negative number of a signal."""
        if self._process.poll() is None:
            await end_of(self._process.pid)
        return self._process.wait()

    async def end(self) -> None:
        """Kill it and what it started, if it still runs, and let go of the pipes."""
        for reader in self._readers:
            reader.close()
        if self._writer is not None and not self._writer.is_closing():
            self._writer.abort()  # what it has not read yet, it does not get
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        await asyncio.shield(self.code())
        await asyncio.sleep(0)  # the loop closes pipes in its next turn

    async def _reading(self, pipe: IO[bytes] | None) -> asyncio.StreamReader:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_LIMIT, loop=loop)
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader, loop=loop), pipe
        )
        self._readers.append(transport)
        return reader


async def start(words: Sequence[str], environment: Mapping[str, str]) -> Program:
    """Start a program.  Raise OSError where it cannot be started."""
    program = Program(_spawned(words, environment))
    try:
        await program.connect()
    except BaseException:
        await program.end()
        raise
    return program


def _spawned(words: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )


async def end_of(pid: int) -> None:
    """Return once a process has ended; a child is still to be collected then.

    Raise ProcessLookupError if there is none of this number.
    """
    descriptor = os.pidfd_open(pid)
    loop = asyncio.get_running_loop()
    bell = asyncio.Event()
    loop.add_reader(descriptor, bell.set)
    try:
        await bell.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
