"""Answers that take as long as they like, closed when the server is told to end.

Streams of events have no end of their own, and runners wait for work in a request.  Each comes back
by itself, to the server that is there then; until its time was over it would keep us from our end.
"""

import asyncio
from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STREAM = b"text/event-stream"
_LEAVING = b'{"message":"This server is being stopped; ask again in a moment."}'


class LongAnswers:
    """Wraps an application, and knows its streams and what waits at the paths `waiting`."""

    def __init__(self, app: ASGIApp, waiting: Collection[str]) -> None:
        self._app = app
        self._waiting = frozenset(waiting)
        self._open: set[asyncio.Task[object]] = set()
        self._closed: set[asyncio.Task[object]] = set()
        self._leaving = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 a request is a task
        begun = False

        async def told(message: Message) -> None:
            nonlocal begun
            begins = message["type"] == "http.response.start"
            begun = begun or begins
            await send(message)
            if begins and _is_stream(message):
                self._hold(task)

        if scope.get("path") in self._waiting:
            self._hold(task)
        try:
            await self._app(scope, receive, told)
        except asyncio.CancelledError:
            if task not in self._closed:
                raise
            task.uncancel()
            await _end(send, begun=begun)
        finally:
            self._open.discard(task)
            self._closed.discard(task)

    def close(self) -> None:
        """End all that are open, and those that come from now on."""
        self._leaving = True
        for task in self._open - self._closed:
            self._closed.add(task)
            task.cancel()

    def _hold(self, task: "asyncio.Task[object]") -> None:
        self._open.add(task)
        if self._leaving:
            self.close()


async def _end(send: Send, *, begun: bool) -> None:
    body = b""
    if not begun:
        headers = [(b"content-type", b"application/json"), (b"retry-after", b"1")]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        body = _LEAVING
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _is_stream(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(_STREAM)
        for name, value in message["headers"]
    )
