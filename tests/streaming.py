"""An open stream of server-sent events, without sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message


@dataclass
class Stream:
    """An open stream of server-sent events."""

    pieces: "asyncio.Queue[bytes]" = field(default_factory=asyncio.Queue)
    status: int = 0
    held: bytes = b""

    async def event(self) -> dict[str, str]:
        """Return the next event that is no heartbeat."""
        while True:
            while b"\n\n" not in self.held:
                self.held += await self.pieces.get()
            whole, _, self.held = self.held.partition(b"\n\n")
            if not whole.startswith((b":", b"retry")):
                return dict(line.split(": ", 1) for line in whole.decode().split("\n"))


@asynccontextmanager
async def opened(
    app: ASGIApp, path: str, headers: dict[str, str]
) -> AsyncIterator[tuple[Stream, "asyncio.Task[None]"]]:
    stream = Stream()
    gone = asyncio.Event()

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            stream.status = message["status"]
        elif message.get("body"):
            stream.pieces.put_nowait(message["body"])

    bare, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": bare,
        "raw_path": bare.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    task = asyncio.create_task(app(scope, receive, send))
    try:
        yield stream, task
    finally:
        gone.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
