"""The three layers around every handler: request id, rendering of errors, who is calling."""

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
Observer: TypeAlias = Callable[[str, str, int, float], None]


class RequestIds:
    """Gives each request an id, the caller's own where it is sane, and measures the answer."""

    def __init__(self, inner: ASGIApp, observe: Observer) -> None:
        self._inner = inner
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        theirs = header(scope, b"x-request-id")
        ours = theirs if _SANE_ID.fullmatch(theirs) else new_id()
        request_id.set(ours)
        status = 499  # nobody was there to be answered
        begun = time.perf_counter()

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                more = scope.get("roundel.headers", ())
                own = (b"x-request-id", ours.encode())
                message["headers"] = [*message["headers"], own, *more]
            await send(message)

        await self._inner(scope, receive, with_id)
        route = scope.get("roundel.route", "")
        self._observe(scope["method"], route, status, time.perf_counter() - begun)


class Errors:
    """Renders every refusal and every failure of ours in the API's shape."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._inner(scope, receive, watched)
        except (ClientGone, ClientDisconnect):
            return
        except Refusal as refusal:
            await send_message(scope, send, refusal.status, str(refusal), refusal.headers)
        except DomainError as error:
            if begun:  # a stream that breaks off; the length of the answer says so
                raise
            await send_message(scope, send, status_of(error), str(error), headers_of(error))
        except Unavailable as error:
            if begun:
                raise
            log.warning("unavailable id=%s: %s", request_id.get(), error)
            await send_message(scope, send, 503, AWAY, {"retry-after": "2"})
        except Exception:
            log.exception("request_failed id=%s method=%s", request_id.get(), scope["method"])
            if begun:
                raise
            await send_message(scope, send, 500, INTERNAL)


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
