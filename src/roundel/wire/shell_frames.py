"""What goes over a WebSocket of a shell, between a browser or a runner and a server.

Binary frames are bytes: keys one way, what was printed the other.  Text frames are JSON:
`{"columns": 80, "rows": 24}` is a window's size and `{"end": "…"}` the end, with its reason.
"""

from collections.abc import Iterator

import msgspec

from roundel.domain.errors import Invalid
from roundel.domain.shells import WindowSize

PIECE_BYTES = 32 * 1024  # servers take no frames that are much longer


class _Words(msgspec.Struct, omit_defaults=True):
    columns: int | None = None
    rows: int | None = None
    end: str | None = None


_reads = msgspec.json.Decoder(_Words)


def size_frame(size: WindowSize) -> str:
    """Return the text frame that tells a size."""
    return msgspec.json.encode(_Words(columns=size.columns, rows=size.rows)).decode()


def end_frame(why: str) -> str:
    """Return the text frame that tells the end."""
    return msgspec.json.encode(_Words(end=why)).decode()


def read_frame(text: str) -> WindowSize | str:
    """Return the size, or why it has ended.  Raise Invalid where the text says neither."""
    try:
        words = _reads.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Invalid(f"no frame of a shell: {error}") from error
    if words.end is not None:
        return words.end
    if words.columns is None or words.rows is None:
        raise Invalid("a frame of a shell says columns and rows, or end")
    return WindowSize(columns=words.columns, rows=words.rows).bounded()


def pieces(data: bytes) -> Iterator[bytes]:
    """Yield bytes in frames of a length that is taken."""
    for at in range(0, len(data), PIECE_BYTES):
        yield data[at : at + PIECE_BYTES]
