"""Serving the API over HTTP until somebody says stop."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

BACKLOG = 2048  # connections that wait while a burst is taken in
GRACE_SECONDS = 5  # what running answers get to end; clients that follow output come back
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket; port 0 takes a free one.  An OSError says why it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def address_of(bound: socket.socket) -> str:
    """Return the address under which the socket is reached."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve_http(api: ASGIApp, bound: socket.socket, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, then let running answers end.

    `announce` is called with the address once it answers.  A second signal ends at once.
    """
    config = uvicorn.Config(
        api,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # it would write tokens down: they may be in the query
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config, lambda: announce(address_of(bound)))
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, server.stop)
    try:
        await server.serve(sockets=[bound])
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
        bound.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    def stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to us: uvicorn raises them again at its end, before we have cleaned up."""
        yield
