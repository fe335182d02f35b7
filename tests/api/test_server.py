"""The API on a real socket."""

import asyncio
import os
import signal
from urllib.parse import urlsplit

import pytest

from roundel.api.server import address_of, listen, serve_http
from tests.api.conftest import Town


async def fetch(url: str, target: str, token: str) -> tuple[bytes, bytes]:
    """Return head and body of one answer."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    request = f"GET {target} HTTP/1.1\r\nHost: {where.netloc}\r\nCircle-Token: {token}\r\n"
    writer.write(f"{request}Connection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


async def test_it_announces_itself_once_it_answers_and_stops_on_sigterm(town: Town):
    announced: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    bound = listen("127.0.0.1", 0)
    serving = asyncio.create_task(serve_http(town.api, bound, announced.set_result))
    async with asyncio.timeout(20):
        url = await announced
        head, body = await fetch(url, "/api/v2/project/gh%2Facme%2Fweb", "ada")
        assert head.startswith(b"HTTP/1.1 200")
        assert b"application/json" in head
        assert b'"slug":"gh/acme/web"' in body
        os.kill(os.getpid(), signal.SIGTERM)
        await serving


def test_a_port_that_is_taken_is_an_os_error():
    with listen("127.0.0.1", 0) as taken:
        port = int(address_of(taken).rsplit(":", 1)[1])
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", port)
