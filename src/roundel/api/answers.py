"""Good answers on their way out: known again by a tag, and packed for those who can unpack."""

import re
from typing import Any

from starlette.types import Scope, Send

from roundel.api.binding import header
from roundel.api.written import Written

PACKED_FROM = 1400  # bytes; what fits into one packet gains nothing

_REFUSED = re.compile(r"gzip\s*;\s*q=0(\.0*)?\s*(,|$)")
_KIND = (b"content-type", b"application/json")
_ASK_AGAIN = (b"cache-control", b"private, no-cache")
_VARIES = (b"vary", b"accept-encoding")
_PACKED = (b"content-encoding", b"gzip")


async def send_answer(scope: Scope, send: Send, status: int, answer: Written[Any]) -> None:
    """Answer JSON.  A read that the caller has already is 304; HEAD gets the headers alone."""
    body = answer.body
    lines = [_KIND]
    if status == 200 and scope["method"] in ("GET", "HEAD"):
        tag = answer.tag
        lines += ((b"etag", tag), _ASK_AGAIN)
        if is_known(tag.decode(), header(scope, b"if-none-match")):
            await _send(scope, send, 304, lines[1:], b"")
            return
    if len(body) >= PACKED_FROM:
        lines.append(_VARIES)
        if takes_gzip(header(scope, b"accept-encoding").lower()):
            body = answer.packed
            lines.append(_PACKED)
    lines.append((b"content-length", b"%d" % len(body)))
    await _send(scope, send, status, lines, body)


def is_known(tag: str, wanted: str) -> bool:
    """Tell whether `If-None-Match` names a tag."""
    if not wanted:
        return False
    bare = tag.removeprefix("W/")
    known = (part.strip().removeprefix("W/") for part in wanted.split(","))
    return any(part in ("*", bare) for part in known)


def takes_gzip(accepted: str) -> bool:
    """Tell whether `Accept-Encoding` allows gzip."""
    return "gzip" in accepted and _REFUSED.search(accepted) is None


async def _send(
    scope: Scope, send: Send, status: int, lines: list[tuple[bytes, bytes]], body: bytes
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": lines})
    if scope["method"] == "HEAD":
        body = b""
    await send({"type": "http.response.body", "body": body})
