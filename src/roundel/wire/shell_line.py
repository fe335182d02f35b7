"""A runner's end of the line to a person, over a WebSocket that the runner has opened."""

import contextlib

import aiohttp

from roundel.domain.errors import Invalid
from roundel.domain.shells import Typed, WindowSize
from roundel.wire.shell_frames import end_frame, pieces, read_frame

_AWAY = (aiohttp.ClientError, OSError)


class RemoteLine:
    """Implements `domain.shells.ShellLine`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, size: WindowSize) -> None:
        self.size = size
        self._socket = socket

    async def heard(self) -> Typed | None:
        """Return what was typed next; None once the line is cut."""
        said = await self._socket.receive()
        if said.type is aiohttp.WSMsgType.BINARY:
            return bytes(said.data)
        if said.type is not aiohttp.WSMsgType.TEXT:
            return None
        return _size(said.data)

    async def say(self, data: bytes) -> None:
        """Hand over what the shell printed."""
        for piece in pieces(data):
            await self._socket.send_bytes(piece)

    async def end(self, why: str) -> None:
        """Hang up; a line that is cut is an end as well."""
        with contextlib.suppress(*_AWAY):
            await self._socket.send_str(end_frame(why))


async def first_size(socket: aiohttp.ClientWebSocketResponse) -> WindowSize | None:
    """Return the window's size, by which a server begins; None where nobody waits there."""
    said = await socket.receive()
    return _size(said.data) if said.type is aiohttp.WSMsgType.TEXT else None


def _size(text: str) -> WindowSize | None:
    with contextlib.suppress(Invalid):
        found = read_frame(text)
        return found if isinstance(found, WindowSize) else None
    return None
