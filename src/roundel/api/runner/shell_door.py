"""A runner that calls back: its end of a shell, over a WebSocket."""

from starlette.types import Receive, Scope, Send

from roundel.api.auth import token_in
from roundel.api.runner.door import held_in
from roundel.api.runner.guests import Guests
from roundel.domain.errors import DomainError, Invalid, Unauthenticated
from roundel.domain.shells import ShellLine, WindowSize
from roundel.domain.storage import KeepingServer
from roundel.wire.messages import PREFIX
from roundel.wire.shell_frames import pieces, read_frame, size_frame
from roundel.wire.two_ways import until_one_ends

SHELL_PATH = f"{PREFIX}/shell"


class RunnerShellDoor:
    """An ASGI application for WebSockets at `SHELL_PATH`; only a lease's own runner comes in."""

    def __init__(self, server: KeepingServer, guests: Guests) -> None:
        self._server = server
        self._guests = guests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            token = token_in(scope["headers"], {})
            guest = None if token is None else await self._guests.who(token, scope.get("client"))
            if guest is None:
                raise Unauthenticated("this is no token of a runner, or it was removed")
            lease = guest.lease(held_in(scope["query_string"]))
            async with self._server.shell(lease) as line:
                await send({"type": "websocket.accept"})
                if line is not None:
                    await send({"type": "websocket.send", "text": size_frame(line.size)})
                    await until_one_ends(_from_runner(line, receive), _to_runner(line, send))
        except DomainError:  # before it was accepted: answers 403
            await send({"type": "websocket.close"})
            return
        await send({"type": "websocket.close", "code": 1000})


async def _from_runner(line: ShellLine, receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        if data := message.get("bytes"):
            await line.say(data)
        elif isinstance(why := _read(message.get("text") or ""), str):
            await line.end(why)
            return


async def _to_runner(line: ShellLine, send: Send) -> None:
    while (typed := await line.heard()) is not None:
        if isinstance(typed, WindowSize):
            await send({"type": "websocket.send", "text": size_frame(typed)})
        else:
            for piece in pieces(typed):
                await send({"type": "websocket.send", "bytes": piece})


def _read(text: str) -> WindowSize | str:
    try:
        return read_frame(text)
    except Invalid as error:
        return str(error)
