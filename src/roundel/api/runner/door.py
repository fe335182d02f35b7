"""The runner protocol over HTTP.

Every call needs a runner's token, and nothing else opens this door.  What a runner may touch
follows from the token alone: the class is the token's, and a lease is held by a runner of that
class or not at all, whatever a message says.
"""

import asyncio
from collections.abc import AsyncIterator

from starlette.types import Receive, Scope, Send

from roundel.api.auth import token_in
from roundel.api.binding import ClientGone, read_body, read_query
from roundel.api.runner.guests import Guest, Guests
from roundel.api.runner.verbs import VERBS
from roundel.domain.errors import DomainError, Invalid, NotFound, Unauthenticated
from roundel.domain.storage import BlobId, KeepingServer
from roundel.wire import messages as say
from roundel.wire.statuses import status_of

MOST_BYTES = 16 * 1024 * 1024  # of one message: a batch of output or of test results
BINARY = b"application/octet-stream"


class RunnerDoor:
    """An ASGI application for everything below `PREFIX`."""

    def __init__(self, server: KeepingServer, guests: Guests) -> None:
        self._server = server
        self._guests = guests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        verb = scope["path"].removeprefix(say.PREFIX).strip("/")
        scope["roundel.route"] = f"{say.PREFIX}/{verb if verb in _KNOWN else '?'}"
        try:
            guest = await self._admitted(scope)
            if verb == "upload":
                answer: object = await self._upload(guest, scope, receive)
            elif verb == "download":
                await self._download(guest, scope, receive, send)
                return
            else:
                answer = await self._called(verb, guest, scope, receive)
        except DomainError as refusal:
            await _refuse(send, refusal)
            return
        await _answer(send, 200, say.packed(answer))

    async def _admitted(self, scope: Scope) -> Guest:
        if scope["method"] != "POST":
            raise Invalid("runners say everything by POST")
        token = token_in(scope["headers"], {})
        guest = None if token is None else await self._guests.who(token, scope.get("client"))
        if guest is None:
            raise Unauthenticated("this is no token of a runner, or it was removed")
        return guest

    async def _called(self, verb: str, guest: Guest, scope: Scope, receive: Receive) -> object:
        handler = VERBS.get(verb)
        if handler is None:
            raise NotFound(f"there is no {verb!r} here: is the runner newer than the server?")
        body = await read_body(scope, receive, MOST_BYTES)
        work = asyncio.ensure_future(handler(self._server, guest, body))
        if verb not in say.WAITING:
            return await work
        # A runner that went away must not be given a job.
        gone = asyncio.ensure_future(receive())
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ClientGone
            return work.result()
        finally:
            work.cancel()
            gone.cancel()

    async def _upload(self, guest: Guest, scope: Scope, receive: Receive) -> object:
        held = held_in(scope["query_string"])
        return await self._server.upload(guest.lease(held), _pieces(receive))

    async def _download(self, guest: Guest, scope: Scope, receive: Receive, send: Send) -> None:
        ask = say.unpacked(await read_body(scope, receive, MOST_BYTES), say.DownloadAsk)
        pieces = aiter(self._server.download(guest.lease(ask), BlobId(ask.blob), ask.offset))
        # The first piece before the head: what is not there is a refusal, not an empty blob.
        piece = await anext(pieces, None)
        headers = [(b"content-type", BINARY)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while piece is not None:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = await anext(pieces, None)
        await send({"type": "http.response.body", "body": b""})


_KNOWN = frozenset({*VERBS, "upload", "download"})


def held_in(query_string: bytes) -> say.Held:
    """Return which execution a query speaks of; raise Invalid where it says none."""
    query = read_query(query_string)
    try:
        return say.Held(
            execution_id=query["execution_id"], fence=int(query["fence"]), runner=query["runner"]
        )
    except (KeyError, ValueError) as error:
        raise Invalid("the address says no execution_id, fence and runner") from error


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the body as it comes; one that breaks off raises, so that nothing is kept of it."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        if piece := message.get("body", b""):
            yield piece
        if not message.get("more_body", False):
            return


async def _refuse(send: Send, refusal: DomainError) -> None:
    name = next((name for name, kind in say.REFUSALS.items() if isinstance(refusal, kind)), "")
    await _answer(send, status_of(refusal), str(refusal).encode(), name or "Invalid")


async def _answer(send: Send, status: int, body: bytes, refusal: str | None = None) -> None:
    headers = [(b"content-type", BINARY), (b"content-length", b"%d" % len(body))]
    if refusal is not None:
        headers.append((say.REFUSAL_HEADER.encode(), refusal.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
