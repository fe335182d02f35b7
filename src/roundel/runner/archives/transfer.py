"""Archives on their way: from a job's `tar` to the store and back, in bounded memory.

The thread of a transfer does all that costs time: reading the FIFO, judging headers, zstandard.
What goes to the server is handed over in large pieces, which are the back-pressure as well.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import IO, TYPE_CHECKING, TypeVar, cast

from roundel.runner.archives.headers import END, Broken
from roundel.runner.archives.pipes import Pipe, Stopped, reading_end, writing_end
from roundel.runner.archives.scan import Buffer, Scan

if TYPE_CHECKING:
    import zstandard

LEVEL = 3  # zstd's default: twice the speed of 6 for a tenth of the size
PIECE_BYTES = 512 * 1024
_WINDOW_LIMIT = 1 << 27  # what `zstd` itself accepts without being asked
_OUT_BYTES = 256 * 1024

T = TypeVar("T")


async def pack(fifo: str | os.PathLike[str], scan: Scan) -> AsyncIterator[bytes]:
    """Yield the compressed archive of what is written into `fifo`; Broken if that is not whole."""
    pipe = reading_end(fifo)
    packing = _Packing(pipe, scan)
    thread = ThreadPoolExecutor(1, "pack")
    try:
        while (piece := await _run(thread, packing.piece)) is not None:
            yield piece
    finally:
        pipe.stop()
        _leave(thread, pipe.close)


async def unpack(source: AsyncIterator[bytes], fifo: str | os.PathLike[str], scan: Scan) -> None:
    """Write the archive that `source` is the compressed form of into `fifo`.

    Broken is raised where it stops making sense; all before that has been written.  Stopped is
    raised when the reader went away.
    """
    unpacking = _Unpacking(fifo, scan)
    thread = ThreadPoolExecutor(1, "unpack")
    try:
        async for piece in _one_ahead(source):
            await _run(thread, partial(unpacking.feed, piece))
        await _run(thread, unpacking.finish)
    finally:
        unpacking.stop()
        _leave(thread, unpacking.close)


async def plain(fifo: str | os.PathLike[str]) -> AsyncIterator[bytes]:
    """Yield what is written into `fifo`, as it comes."""
    pipe = reading_end(fifo)
    thread = ThreadPoolExecutor(1, "plain")
    try:
        while piece := await _run(thread, pipe.read):
            yield piece
    finally:
        pipe.stop()
        _leave(thread, pipe.close)


async def _one_ahead(source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what `source` does, and fetch the next piece while the last one is worked on."""
    fetching = asyncio.ensure_future(anext(source, None))
    try:
        while (piece := await fetching) is not None:
            fetching = asyncio.ensure_future(anext(source, None))
            yield piece
    finally:
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)


def _leave(thread: ThreadPoolExecutor, close: Callable[[], None]) -> None:
    """Close in the thread: it may be waiting on the descriptor, and nobody waits for it here."""
    thread.submit(close)
    thread.shutdown(wait=False)


async def _run(thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, work)


class Packer:
    """Compresses several scans into one archive; leave the block to end its thread."""

    def __init__(self) -> None:
        self._zstd = _compressor()
        self._thread = ThreadPoolExecutor(1, "packer")

    async def __aenter__(self) -> "Packer":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._thread.shutdown(wait=False)

    async def add(self, scan: Scan, data: bytes) -> bytes:
        """Take the next bytes of a scan; return what is compressed by now."""
        return await _run(
            self._thread,
            lambda: b"".join([self._zstd.compress(part) for part in scan.feed(data)]),
        )

    async def finish(self, *, empty: bool) -> bytes:
        """Return the end of the archive; one of nothing is Broken."""
        if empty:
            raise Broken("there is nothing in it")
        return await _run(self._thread, lambda: self._zstd.compress(END) + self._zstd.flush())


def _compressor() -> "zstandard.ZstdCompressionObj":
    import zstandard  # few jobs carry archives

    # One worker of the library's own: reading and judging go on while it compresses.
    parameters = zstandard.ZstdCompressionParameters.from_level(
        LEVEL, write_checksum=True, threads=1
    )
    return zstandard.ZstdCompressor(compression_params=parameters).compressobj()


class _Packing:
    """FIFO -> scan -> zstandard."""

    def __init__(self, pipe: Pipe, scan: Scan) -> None:
        self._pipe = pipe
        self._scan = scan
        self._zstd = _compressor()
        self._ended = False

    def piece(self) -> bytes | None:
        """Return the next piece, None after the last."""
        if self._ended:
            return None
        out: list[bytes] = []
        size = 0
        while size < PIECE_BYTES:
            data = self._pipe.read()
            if not data:
                out += (self._zstd.compress(self._scan.finish()), self._zstd.flush())
                self._ended = True
                break
            for part in self._scan.feed(data):
                compressed = self._zstd.compress(part)
                if compressed:
                    out.append(compressed)
                    size += len(compressed)
        return b"".join(out)


class _Unpacking:
    """zstandard -> scan -> FIFO."""

    def __init__(self, fifo: str | os.PathLike[str], scan: Scan) -> None:
        self._fifo = fifo
        self._scan = scan
        self._stopped = threading.Event()
        self._pipe: Pipe | None = None
        import zstandard

        self._damaged = zstandard.ZstdError
        frames = zstandard.ZstdDecompressor(max_window_size=_WINDOW_LIMIT)
        target = cast("IO[bytes]", _Plain(self._plain))
        self._frame = frames.stream_writer(target, write_size=_OUT_BYTES, closefd=False)

    def feed(self, piece: bytes) -> None:
        """Take the next compressed bytes."""
        try:
            self._frame.write(piece)
        except self._damaged as error:
            raise Broken("the archive is damaged: it cannot be decompressed") from error

    def finish(self) -> None:
        """All was fed: write the end."""
        self._write([self._scan.finish()])

    def stop(self) -> None:
        """End all waits."""
        self._stopped.set()
        if self._pipe is not None:
            self._pipe.stop()

    def close(self) -> None:
        """Let the reader see the end."""
        if self._pipe is not None:
            self._pipe.close()

    def _plain(self, data: bytes) -> None:
        parts = self._scan.feed(data)
        if parts:
            self._write(parts)

    def _write(self, parts: list[Buffer]) -> None:
        if self._pipe is None:
            self._pipe = writing_end(self._fifo, self._stopped)
            if self._stopped.is_set():
                raise Stopped("called off")
        self._pipe.write(parts)


class _Plain:
    """What zstandard writes into: bounded pieces, in the thread that feeds it."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take

    def write(self, data: bytes) -> int:
        """Take one piece."""
        self._take(bytes(data))
        return len(data)
