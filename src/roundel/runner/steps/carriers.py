"""Two ways to carry a job's files: its own tar, or the engine where the image has none."""

import asyncio
import contextlib
import os
import posixpath
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Protocol

from roundel.backends.protocol import Archives
from roundel.runner.archives.ground import Ground, Rename, clean
from roundel.runner.archives.pipes import Stopped
from roundel.runner.archives.scan import Scan
from roundel.runner.archives.transfer import Packer, plain, unpack
from roundel.runner.steps.talk import Talk


class Carrier(Protocol):
    """Packs what a command of the servant names, and unpacks into the step's target.

    The servant's code for a command is `Talk.last_code`.
    """

    def pack(self, what: str, ground: Ground) -> AsyncIterator[bytes]:
        """Yield the compressed archive of `what`: absolute, globs or tree."""

    def files(self) -> AsyncGenerator[bytes, None]:
        """Yield the plain archive of the step's path."""

    async def unpack(self, source: AsyncIterator[bytes], ground: Ground) -> str | None:
        """Unpack a compressed archive; return why it could not be written, None if it was."""


class TarCarrier:
    """The image's own tar, talked to through FIFOs."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    def pack(self, what: str, ground: Ground) -> AsyncIterator[bytes]:
        """Let tar pack."""
        return self._talk.pack(f"pack_{what}", Scan(ground))

    def files(self) -> AsyncGenerator[bytes, None]:
        """Let tar pack, without compression."""
        return self._talk.contents("pack_tree")

    async def unpack(self, source: AsyncIterator[bytes], ground: Ground) -> str | None:
        """Let tar unpack."""
        try:
            code = await self._talk.unpack(source, Scan(ground))
        except Stopped:  # tar would not read on: it has said why
            code = await self._talk.last_code()
        return None if code == "0" else f"tar failed with exit code {code}"


class EngineCarrier:
    """The engine's archive API; the servant only says which paths there are."""

    def __init__(self, talk: Talk, archives: Archives, fifo: Path) -> None:
        self._talk = talk
        self._archives = archives
        self._fifo = fifo

    async def pack(self, what: str, ground: Ground) -> AsyncIterator[bytes]:
        """Fetch one path after another into one archive."""
        names = await self._names(what)
        outward = ground.rename
        async with Packer() as packer:
            for path, prefix in names:
                ground.rename = _below(prefix, outward)
                scan = Scan(ground)
                async for data in self._archives.read(path):
                    if piece := await packer.add(scan, data):
                        yield piece
                scan.finish()
            yield await packer.finish(empty=not names)

    async def files(self) -> AsyncGenerator[bytes, None]:
        """Fetch the step's path."""
        for path, _ in await self._names("tree"):
            async for data in self._archives.read(path):
                yield data

    async def unpack(self, source: AsyncIterator[bytes], ground: Ground) -> str | None:
        """Hand the archive to the engine; the folder is made by the servant, as the job's user."""
        text = b"".join([piece async for piece in self._talk.contents("target")])
        code = await self._talk.last_code()
        if code != "0":
            return "the folder cannot be made or entered"
        target = text.decode("utf-8", "surrogateescape").removesuffix("\n")
        os.mkfifo(self._fifo, 0o600)
        try:
            return await self._write(target, source, ground)
        finally:
            with contextlib.suppress(FileNotFoundError):
                self._fifo.unlink()

    async def _write(self, target: str, source: AsyncIterator[bytes], ground: Ground) -> str | None:
        writing = asyncio.create_task(self._archives.write(target, plain(self._fifo)))
        reading = asyncio.create_task(unpack(source, self._fifo, Scan(ground)))
        try:
            await asyncio.wait([writing, reading], return_when=asyncio.FIRST_EXCEPTION)
            if reading.done() and not isinstance(reading.exception(), Stopped | None):
                await reading
            try:
                await writing
            except OSError as error:
                return str(error)
            await reading
        finally:
            for task in (writing, reading):
                task.cancel()
            await asyncio.gather(writing, reading, return_exceptions=True)
        return None

    async def _names(self, what: str) -> list[tuple[str, bytes]]:
        """Return paths inside, and below what their entries belong in the archive."""
        text = b"".join([piece async for piece in self._talk.contents(f"list_{what}")])
        base, *names = text.decode("utf-8", "surrogateescape").splitlines() or [""]
        found = []
        for name in names:
            folder = posixpath.dirname(name).encode("utf-8", "surrogateescape")
            found.append((f"{base.rstrip('/')}/{name}", clean(folder) or b""))
        return found


def _below(prefix: bytes, outward: Rename | None) -> Rename:
    def rename(path: bytes) -> bytes:
        whole = prefix + b"/" + path if prefix else path
        return outward(whole) if outward is not None else whole

    return rename
