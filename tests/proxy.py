"""A network between a runner and its server that can be cut."""

import asyncio
import re
from collections import Counter
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """Forwards one port; use as a context.  While cut it refuses and drops everything."""

    def __init__(self, url: str) -> None:
        self.lead_to(url)
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._cut = False
        self.cuts = 0
        self.passed = 0  # bytes towards the server
        self.losing: Counter[str] = Counter()  # how many answers to calls of this name are lost
        self.losing_every_other = ""  # the name of calls of which each second answer comes through
        self.lost: Counter[str] = Counter()
        self._came: Counter[str] = Counter()
        self._asked: dict[asyncio.StreamWriter, str] = {}  # the last call on a way to the server

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def lead_to(self, url: str) -> None:
        """Forward to this address from now on."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80

    def cut(self) -> None:
        """Break every connection, and let none through from now on."""
        self._cut = True
        self.cuts += 1
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        self._cut = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        try:
            there, onwards = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, onwards}
        await asyncio.gather(self._ask(reader, onwards), self._answer(there, writer, onwards))
        self._open -= {writer, onwards}
        self._asked.pop(onwards, None)

    async def _ask(self, reader: asyncio.StreamReader, onwards: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                self.passed += len(data)
                for call in re.findall(rb"POST [^ ?]*/([a-z-]+)[ ?]", data):
                    self._asked[onwards] = call.decode()
                onwards.write(data)
                await onwards.drain()
        except OSError:
            pass
        finally:
            onwards.close()

    def _loses(self, call: str) -> bool:
        self._came[call] += 1
        every_other = call == self.losing_every_other and self._came[call] % 2 == 1
        if not every_other and self.losing[call] <= 0:
            return False
        self.losing[call] -= 1
        self.lost[call] += 1
        return True

    async def _answer(
        self, there: asyncio.StreamReader, back: asyncio.StreamWriter, onwards: asyncio.StreamWriter
    ) -> None:
        """Let answers through; one that is to be lost ends the connection, the call being done."""
        try:
            while data := await there.read(65536):
                call = self._asked.pop(onwards, "")  # an answer may come in pieces
                if call and self._loses(call):
                    back.transport.abort()
                    return
                back.write(data)
                await back.drain()
        except OSError:
            pass
        finally:
            back.close()
