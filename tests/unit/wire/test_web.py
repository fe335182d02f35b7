"""Fetching what users name: never from private networks, bounded in size, time and redirects."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest

from roundel.wire.web import LARGEST, Web, WebRefused, is_public

Answers = Callable[[str], bytes]


@asynccontextmanager
async def serving(answer: Answers, wait: Awaitable[object] | None = None) -> AsyncIterator[int]:
    """Answer every request with the bytes that `answer` makes of its path; yield the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if wait is not None:
            await wait
        writer.write(answer(head.split()[1].decode()))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def good(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def redirect(target: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.1.2.3"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1"),
        *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::", "2001:db8::1"),
    ],
)
def test_private_addresses_are_not_public(address: str):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8"])
def test_others_are(address: str):
    assert is_public(ip_address(address))


async def test_a_private_host_is_refused_whatever_its_spelling():
    for host in ("127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1"):
        with pytest.raises(WebRefused, match=r"private address|is not known|is no address"):
            await Web().get(f"https://{host}/orb.yml")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://93.184.216.34/", "not an https"),
        ("ftp://example.com/", "not an https"),
        ("file:///etc/passwd", "not an https"),
        ("https://user:pass@example.com/", "not a plain address"),
        ("https:///nowhere", "not a plain address"),
        ("https://[::1", "no address"),
        ("https://example.com:99999/", "no address"),
        ("https://no-such-host.invalid/", "not known"),
    ],
)
async def test_an_address_of_another_sort_is_refused(url: str, why: str):
    with pytest.raises(WebRefused, match=why):
        await Web().get(url)


async def test_what_is_there_is_returned_and_what_is_not_is_none():
    async with serving(
        lambda path: good(b"orb") if path == "/orb.yml" else b"HTTP/1.1 404 No\r\n\r\n"
    ) as port:
        web = Web(private=True)
        assert await web.get(f"http://127.0.0.1:{port}/orb.yml") == b"orb"
        assert await web.get(f"http://localhost:{port}/other.yml") is None


async def test_a_redirect_is_followed_only_to_what_is_allowed():
    async with serving(
        lambda path: good(b"orb") if path == "/ok/2" else redirect(path[:-1] + "2")
    ) as port:
        base = f"http://127.0.0.1:{port}"
        web = Web(private=True)
        assert await web.get(f"{base}/ok/1", lambda url: "/ok/" in url) == b"orb"
        with pytest.raises(WebRefused, match=r"redirects to .*/ok/2, which is not allowed"):
            await web.get(f"{base}/ok/1", lambda url: url.endswith("1"))
        with pytest.raises(WebRefused, match="redirects more than 5 times"):
            await web.get(f"{base}/loop/1")


class TrustingLoopback(Web):
    """Takes loopback for the internet, and nothing else that is private."""

    async def _address_of(self, host: str, port: int) -> str:
        self.private = host == "127.0.0.1"
        return await super()._address_of(host, port)


async def test_a_redirect_into_a_private_network_is_refused():
    async with serving(lambda _: redirect("http://10.0.0.1/secret")) as port:
        with pytest.raises(WebRefused, match="private address"):
            await TrustingLoopback(private=True).get(f"http://127.0.0.1:{port}/")


async def test_an_answer_that_is_too_large_or_too_slow_is_refused():
    async with serving(lambda _: good(b"x" * (LARGEST + 1))) as port:
        with pytest.raises(WebRefused, match="larger than"):
            await Web(private=True).get(f"http://127.0.0.1:{port}/")
    never = asyncio.Event()
    async with serving(lambda _: b"", never.wait()) as port:
        with pytest.raises(WebRefused, match=r"takes longer than 0\.2 s"):
            await Web(private=True, seconds=0.2).get(f"http://127.0.0.1:{port}/")
        never.set()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 500 No\r\n\r\n", b"nonsense\r\n\r\n", b""])
async def test_a_bad_answer_is_refused(answer: bytes):
    async with serving(lambda _: answer) as port:
        with pytest.raises(WebRefused):
            await Web(private=True).get(f"http://127.0.0.1:{port}/")
