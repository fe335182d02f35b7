"""Step output as responses: streams of text, and the JSON array that v1.1 readers expect."""

import codecs
from collections.abc import AsyncIterator

import msgspec
from starlette.responses import StreamingResponse

from roundel.api.schemas.common import Time, millis
from roundel.domain.ids import ExecutionId
from roundel.domain.logs import Logs, Piece

# Output is whatever a job printed; a browser must not take it for a page.
HEADERS = {"x-content-type-options": "nosniff", "cache-control": "no-store"}


class OutputEntry(msgspec.Struct):
    type: str
    time: Time
    message: str


def path_of(execution: str, step: int) -> str:
    """Return the path of a step's signed output, which is also what is signed."""
    return f"/api/roundel/output/{execution}/{step}"


def text_response(
    logs: Logs, execution: ExecutionId, step: int, *, offset: int = 0, follow: bool = False
) -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        async for piece in logs.read(execution, step, offset=offset, follow=follow):
            yield piece.data

    return StreamingResponse(pieces(), media_type="text/plain; charset=utf-8", headers=HEADERS)


def entries_response(logs: Logs, execution: ExecutionId, step: int) -> StreamingResponse:
    pieces = logs.read(execution, step)
    return StreamingResponse(_entries(pieces), media_type="application/json", headers=HEADERS)


async def _entries(pieces: AsyncIterator[Piece]) -> AsyncIterator[bytes]:
    """Yield a JSON array; a character that two pieces share goes whole into the later one."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    before = b"["
    last = None
    async for piece in pieces:
        last = piece
        text = decoder.decode(piece.data)
        if text:
            yield before + msgspec.json.encode(OutputEntry("out", millis(piece.at), text))
            before = b","
    rest = decoder.decode(b"", final=True)
    if rest and last is not None:
        yield before + msgspec.json.encode(OutputEntry("out", millis(last.at), rest))
        before = b","
    yield b"[]" if before == b"[" else b"]"
