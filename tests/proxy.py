"""A network between a runner and its server that can be cut."""

import asyncio
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
        await asyncio.gather(self._copy(reader, onwards, True), self._copy(there, writer, False))
        self._open -= {writer, onwards}

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counted: bool
    ) -> None:
        try:
            while data := await reader.read(65536):
                self.passed += len(data) if counted else 0
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
