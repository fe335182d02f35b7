"""A filter for tar streams: looks at headers only and passes contents through as they come."""

from dataclasses import replace
from typing import TypeAlias

from roundel.runner.archives.ground import Ground
from roundel.runner.archives.headers import (
    BLOCK,
    DIRECTORY,
    END,
    LONG_LINK,
    LONG_NAME,
    META,
    META_LIMIT,
    PAX,
    PLAIN,
    REGULAR,
    SPARSE,
    Broken,
    Header,
    build,
    padded,
    parse,
    pax_records,
    sets_id,
)

Buffer: TypeAlias = bytes | memoryview


class TooBig(Exception):
    """The archive has more in it than is allowed; `str()` says of what."""


class Names:
    """What long-name and pax headers say about the entry that follows them."""

    __slots__ = ("_data", "_kind", "_link", "_name", "_records", "_size")

    def __init__(self) -> None:
        self._kind, self._size, self._data = b"", 0, bytearray()
        self._name: bytes | None = None
        self._link: bytes | None = None
        self._records: dict[bytes, bytes] = {}

    def begin(self, header: Header) -> None:
        """Begin to collect the contents of a meta header."""
        if header.size > META_LIMIT:
            raise Broken("a long name or pax header is too long")
        self._kind, self._size = header.kind, header.size

    def collect(self, data: Buffer) -> None:
        """Take the next bytes of the contents."""
        self._data += data

    def end(self) -> None:
        """The contents are whole."""
        data = bytes(self._data[: self._size])
        self._data.clear()
        if self._kind == LONG_NAME:
            self._name = data.partition(b"\0")[0]
        elif self._kind == LONG_LINK:
            self._link = data.partition(b"\0")[0]
        elif self._kind == PAX:
            self._records = pax_records(data)

    def apply(self, header: Header) -> bool:
        """Lay what was said over the entry; False if it was nothing."""
        records = self._records
        if self._name is None and self._link is None and not records:
            return False
        header.name = records.get(b"path", self._name or header.name)
        header.link = records.get(b"linkpath", self._link or header.link)
        if (size := records.get(b"size")) is not None:
            if not size.isdigit() or len(size) > 18:
                raise Broken("a pax header's size is not a number")
            header.size = int(size)
        if b"\0" in header.name or b"\0" in header.link:
            raise Broken("a name has a NUL in it")
        if any(key.startswith(b"GNU.sparse") for key in records):
            header.kind = SPARSE
        self._name = self._link = None
        self._records = {}
        return True


class Scan:
    """Passes one archive through; what its ground does not admit is left out.

    Feed it in order and finish it.  `Broken` and `TooBig` end it for good.
    """

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._names = Names()
        self._pass = 0  # bytes of contents still to pass
        self._drop = 0  # bytes still to leave out
        self._in_meta = False
        self._partial = b""
        self._done = False
        ground.begin()

    def feed(self, data: bytes) -> list[Buffer]:
        """Return what is to be passed on of `data`, as few slices of it as possible."""
        out: list[Buffer] = []
        view = memoryview(data)
        size = len(data)
        start = at = 0  # data[start:at] is seen and to be passed
        while at < size:
            if self._pass:
                step = min(self._pass, size - at)
                self._pass -= step
                at += step
                continue
            if not self._drop and not self._partial and size - at >= BLOCK and not self._done:
                block = data[at : at + BLOCK]
                passed = self._header(block)
                if passed is block:
                    at += BLOCK
                    continue
                if start < at:
                    out.append(view[start:at])
                at = start = at + BLOCK
                if passed:
                    out.append(passed)
                continue
            if start < at:
                out.append(view[start:at])
            at = start = at + self._apart(view[at:], out)
        if start < at:
            out.append(view[start:at])
        return out

    def finish(self) -> Buffer:
        """Return the end of the archive; raise Broken if it has not come to it."""
        if not self._done:
            raise Broken("the archive breaks off before its end")
        return END

    def _apart(self, view: memoryview, out: list[Buffer]) -> int:
        """Deal with what does not lie in one piece or is not passed; return its length."""
        if self._done:
            return len(view)
        if self._drop:
            step = min(self._drop, len(view))
            self._drop -= step
            if self._in_meta:
                self._names.collect(view[:step])
                if not self._drop:
                    self._in_meta = False
                    self._names.end()
            return step
        step = min(BLOCK - len(self._partial), len(view))
        self._partial += view[:step]
        if len(self._partial) == BLOCK:
            block, self._partial = self._partial, b""
            if passed := self._header(block):
                out.append(passed)
        return step

    def _header(self, block: bytes) -> bytes:
        """Judge a header; return `block` itself, other blocks in its place, or nothing."""
        header = parse(block)
        if header is None:
            self._done = True
            return b""
        if header.kind in META:
            self._names.begin(header)
            self._drop, self._in_meta = padded(header.size), header.size > 0
            return b""
        if header.kind == SPARSE:
            raise Broken("a sparse file in the old GNU form")
        named = self._names.apply(header)
        self._count(header)
        if header.kind in PLAIN and header.name.endswith(b"/"):
            header.kind = DIRECTORY  # as very old archives have it
            named = True
        before = (header.name, header.link)
        if not self._ground.admit(header):
            self._drop = padded(header.size)
            return b""
        if header.kind not in PLAIN and header.size:
            # Some readers skip these bytes, others take them for the next header.
            raise Broken("a folder or link has contents")
        self._pass = padded(header.size)
        if (
            named
            or (header.name, header.link) != before
            or not header.canonical
            or sets_id(header.mode)
            or header.kind in (b"7", b"\0")
        ):
            plain = REGULAR if header.kind in PLAIN else header.kind
            return build(replace(header, kind=plain))
        return block

    def _count(self, header: Header) -> None:
        ground = self._ground
        ground.entries += 1
        ground.size += header.size
        if ground.entries > ground.max_entries:
            raise TooBig(f"more than {ground.max_entries} files")
        if ground.size > ground.max_bytes:
            raise TooBig(f"more than {ground.max_bytes} bytes")
