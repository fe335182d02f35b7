"""The files of a tar stream, one after another, each as a stream of its own."""

from collections.abc import AsyncIterator

from roundel.domain.records import dataclass
from roundel.runner.archives.ground import Ground
from roundel.runner.archives.headers import (
    BLOCK,
    DIRECTORY,
    HARD_LINK,
    META,
    PLAIN,
    SPARSE,
    Broken,
    Header,
    padded,
    parse,
)
from roundel.runner.archives.scan import Names


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file: its path below the archive's root; `same_as` names an earlier one for a hard link."""

    path: str
    size: int
    same_as: str | None = None


class Entries:
    """Reads one archive.  Contents that were not asked for are passed over.

    Symbolic links are not followed; they and whatever the ground refuses are noted there.
    """

    def __init__(self, source: AsyncIterator[bytes], ground: Ground) -> None:
        self._source = source
        self._ground = ground
        self._data = memoryview(b"")
        self._contents = 0  # of the present file, not yet read
        self._padding = 0
        ground.begin()

    async def __aiter__(self) -> AsyncIterator[Entry]:
        names = Names()
        while True:
            await self._skip(self._contents + self._padding)
            self._contents = self._padding = 0
            header = parse(bytes(await self._exactly(BLOCK)))
            if header is None:
                return
            if header.kind in META:
                names.begin(header)
                names.collect(await self._exactly(padded(header.size)))
                if header.size:
                    names.end()
                continue
            if header.kind == SPARSE:
                raise Broken("a sparse file in the old GNU form")
            names.apply(header)
            self._contents = header.size
            self._padding = padded(header.size) - header.size
            if entry := self._entry(header):
                yield entry

    def _entry(self, header: Header) -> Entry | None:
        if header.kind not in PLAIN and header.kind not in (DIRECTORY, HARD_LINK):
            self._ground.refuse(header.name, "it is not a file")
            return None
        if not self._ground.admit(header) or header.kind == DIRECTORY:
            return None
        linked = header.kind == HARD_LINK
        return Entry(
            path=_text(header.name),
            size=0 if linked else header.size,
            same_as=_text(header.link) if linked else None,
        )

    async def contents(self) -> AsyncIterator[bytes]:
        """Yield the contents of the file that came last."""
        while self._contents:
            await self._fill()
            part = self._data[: self._contents]
            self._data = self._data[len(part) :]
            self._contents -= len(part)
            yield bytes(part)

    async def drain(self) -> None:
        """Read what follows the archive's end, so that its writer can finish."""
        async for _ in self._source:
            pass

    async def _exactly(self, size: int) -> memoryview:
        if len(self._data) >= size:
            found, self._data = self._data[:size], self._data[size:]
            return found
        parts = bytearray()
        while len(parts) < size:
            await self._fill()
            part = self._data[: size - len(parts)]
            self._data = self._data[len(part) :]
            parts += part
        return memoryview(parts)

    async def _skip(self, size: int) -> None:
        while size:
            await self._fill()
            step = min(size, len(self._data))
            self._data = self._data[step:]
            size -= step

    async def _fill(self) -> None:
        while not len(self._data):
            try:
                self._data = memoryview(await anext(self._source))
            except StopAsyncIteration as error:
                raise Broken("the archive breaks off before its end") from error


def _text(name: bytes) -> str:
    parts = (part for part in name.split(b"/") if part not in (b"", b"."))
    return b"/".join(parts).decode("utf-8", "surrogateescape")
