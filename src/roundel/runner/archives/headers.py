"""Headers of tar streams: ustar, pax and GNU long names in, GNU out.

Everything read here may be hostile.  What two readers could understand in two ways is refused,
since the `tar` behind us would then unpack something other than what was judged.
"""

import struct

from roundel.domain.records import dataclass

BLOCK = 512
END = bytes(2 * BLOCK)  # how an archive ends
META_LIMIT = 1024 * 1024  # bytes of one long name or pax header; a path has 4096 at most

REGULAR, HARD_LINK, SYMLINK, DIRECTORY = b"0", b"1", b"2", b"5"
LONG_NAME, LONG_LINK, PAX, PAX_GLOBAL, SPARSE = b"L", b"K", b"x", b"g", b"S"
META = frozenset({LONG_NAME, LONG_LINK, PAX, PAX_GLOBAL})
PLAIN = frozenset({REGULAR, b"\0", b"7"})  # three ways to say "a regular file"
KIND_NAMES = {b"3": "a character device", b"4": "a block device", b"6": "a FIFO"}

_HEAD = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s16s155s12s")
_GNU_MAGIC = b"ustar  \0"
_POSIX_MAGIC = b"ustar\x0000"
_ZERO = bytes(BLOCK)
_NO_PREFIX = bytes(155)
_NO_REST = bytes(12)
_SET_ID_BITS = 0o6000
_MODE_BITS = 0o1777  # all but those


class Broken(Exception):
    """This is no whole and well-formed archive; `str()` says what is wrong with it."""


@dataclass(slots=True)
class Header:
    """One header.  `canonical` tells that every reader takes these very bytes for the same."""

    name: bytes
    kind: bytes
    size: int
    link: bytes
    mode: int
    owner: bytes  # uid, gid as they stand
    mtime: bytes
    owner_names: tuple[bytes, bytes]
    canonical: bool


def padded(size: int) -> int:
    """Return `size` rounded up to whole blocks."""
    return (size + BLOCK - 1) & -BLOCK


def parse(block: bytes) -> Header | None:
    """Return what a block says, or None for the empty one that ends an archive."""
    (
        name,
        mode,
        uid,
        gid,
        size,
        mtime,
        check,
        kind,
        link,
        magic,
        uname,
        gname,
        devices,
        prefix,
        rest,
    ) = _HEAD.unpack(block)
    if sum(block) - sum(check) + 8 * 32 != _octal(check, "checksum"):
        if block == _ZERO:
            return None
        raise Broken("a header's checksum is wrong")
    name = name.partition(b"\0")[0]
    canonical = rest == _NO_REST and magic in (_GNU_MAGIC, _POSIX_MAGIC)
    if prefix != _NO_PREFIX:
        # GNU keeps other things here, and star as well: only a plain POSIX prefix is unambiguous.
        text, _, tail = prefix.partition(b"\0")
        canonical = canonical and magic == _POSIX_MAGIC and bool(text) and not tail.strip(b"\0")
        if magic == _POSIX_MAGIC and text:
            name = text + b"/" + name
    del devices
    return Header(
        name,
        kind,
        _number(size, "size"),
        link.partition(b"\0")[0],
        _octal(mode, "mode"),
        uid + gid,
        mtime,
        (uname, gname),
        canonical and size[0] < 0x80,
    )


def build(header: Header) -> bytes:
    """Return blocks for `header` that every reader understands in the same way."""
    return (
        _long(LONG_LINK, header.link)
        + _long(LONG_NAME, header.name)
        + _block(
            header.name[:100],
            header.kind,
            header.size,
            header.link[:100],
            header.mode & _MODE_BITS,
            header.owner,
            header.mtime,
            header.owner_names,
        )
    )


def sets_id(mode: int) -> bool:
    """Tell whether a mode has setuid or setgid bits."""
    return bool(mode & _SET_ID_BITS)


def pax_records(data: bytes) -> dict[bytes, bytes]:
    """Return the records `LENGTH KEY=VALUE\\n` of a pax header."""
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(data) and data[at] != 0:
        length, space, _ = data[at : at + 12].partition(b" ")
        if not space or not length.isdigit():
            raise Broken("a pax header is malformed")
        end = at + int(length)
        key, equals, value = data[at + len(length) + 1 : end - 1].partition(b"=")
        if not equals or end > len(data) or data[end - 1] != 0x0A or end <= at + len(length):
            raise Broken("a pax header is malformed")
        records[key] = value
        at = end
    return records


def _long(kind: bytes, text: bytes) -> bytes:
    if len(text) <= 100:
        return b""
    size = len(text) + 1
    head = _block(b"././@LongLink", kind, size, b"", 0o644, b"0000000\0" * 2, b"0" * 11 + b"\0")
    return head + text + bytes(padded(size) - len(text))


def _block(
    name: bytes,
    kind: bytes,
    size: int,
    link: bytes,
    mode: int,
    owner: bytes,
    mtime: bytes,
    owner_names: tuple[bytes, bytes] = (b"", b""),
) -> bytes:
    size_text = b"%011o\0" % size if size < 1 << 33 else b"\x80" + size.to_bytes(11)
    block = _HEAD.pack(
        name,
        b"%07o\0" % mode,
        owner[:8],
        owner[8:],
        size_text,
        mtime,
        b" " * 8,
        kind,
        link,
        _GNU_MAGIC,
        *owner_names,
        b"",
        b"",
        b"",
    )
    return b"%b%06o\0 %b" % (block[:148], sum(block), block[156:])


def _octal(field: bytes, what: str) -> int:
    text = field.strip(b"\0 ")
    if not text:
        return 0
    if not text.isdigit():
        raise Broken(f"a header's {what} is not a number")
    try:
        return int(text, 8)
    except ValueError as error:
        raise Broken(f"a header's {what} is not an octal number") from error


def _number(field: bytes, what: str) -> int:
    if field[0] < 0x80:
        return _octal(field, what)
    if field[0] != 0x80:
        raise Broken(f"a header's {what} is negative or absurd")
    return int.from_bytes(field[1:])
