"""The layers around every handler: request id and rendering of errors, and who is calling."""

import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import TypeAlias

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roundel.api.auth import Callers, token_in
from roundel.api.binding import ClientGone, header, read_query
from roundel.api.errors import AWAY, INTERNAL, Refusal, headers_of
from roundel.domain.access import Actor
from roundel.domain.errors import DomainError, Unavailable
from roundel.domain.ids import new_id
from roundel.wire.statuses import status_of

log = logging.getLogger("roundel.api")
request_id: ContextVar[str] = ContextVar("request_id", default="-")

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
NOBODY_THERE = 499  # the status, for measuring, of what nobody waited for
Observer: TypeAlias = Callable[[str, str, int, float], None]


class Answering:
    """Gives each request an id, the caller's own where it is sane, and sees that it is answered.

    Every refusal and every failure of ours is rendered in the API's shape, and all is measured.
    """

    def __init__(self, inner: ASGIApp, observe: Observer) -> None:
        self._inner = inner
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        theirs = header(scope, b"x-request-id")
        ours = theirs if theirs and _SANE_ID.fullmatch(theirs) else new_id()
        request_id.set(ours)
        status = 0
        started = time.perf_counter()

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                more = scope.get("roundel.headers", ())
                own = (b"x-request-id", ours.encode())
                message["headers"] = [*message["headers"], own, *more]
            await send(message)

        try:
            await self._inner(scope, receive, with_id)
        except (ClientGone, ClientDisconnect):
            pass
        except Exception as error:
            await _answer_failure(scope, with_id, error, begun=status != 0)
        route = scope.get("roundel.route", "")
        seconds = time.perf_counter() - started
        self._observe(scope["method"], route, status or NOBODY_THERE, seconds)


async def _answer_failure(scope: Scope, send: Send, error: Exception, *, begun: bool) -> None:
    """Render what was raised; a stream that has begun breaks off, its length says so."""
    match error:
        case Refusal():
            await send_message(scope, send, error.status, str(error), error.headers)
            return
        case DomainError():
            status, message, headers = status_of(error), str(error), headers_of(error)
        case Unavailable():
            if not begun:
                log.warning("unavailable id=%s: %s", request_id.get(), error)
            status, message, headers = 503, AWAY, {"retry-after": "2"}
        case _:
            log.error(
                "request_failed id=%s method=%s",
                request_id.get(),
                scope["method"],
                exc_info=error,
            )
            status, message, headers = 500, INTERNAL, {}
    if begun:
        raise error
    await send_message(scope, send, status, message, headers)


class WhoCalls:
    """Looks up the caller; whether that is good enough is for the operation to say."""

    def __init__(
        self,
        inner: Callable[[Scope, Receive, Send, Mapping[str, str], Actor | None], Awaitable[None]],
        callers: Callers,
    ) -> None:
        self._inner = inner
        self._callers = callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = read_query(scope["query_string"])
        token = token_in(scope["headers"], query)
        found = await self._callers.who(token) if token else None
        caller = None
        if found is not None:
            caller, scope["roundel.token"] = found
        await self._inner(scope, receive, send, query, caller)


async def send_message(
    scope: Scope, send: Send, status: int, message: str, headers: Mapping[str, str] | None = None
) -> None:
    """Answer `{"message": ...}`, or what the operation calls it."""
    body = {scope.get("roundel.error_key", "message"): message}
    await send_json(scope, send, status, msgspec.json.encode(body), headers)


async def send_json(
    scope: Scope, send: Send, status: int, body: bytes, headers: Mapping[str, str] | None = None
) -> None:
    """Answer JSON; HEAD gets the headers alone."""
    lines = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    lines += [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    if scope["method"] == "HEAD":
        body = b""
    await send({"type": "http.response.body", "body": body})
