"""Requests to addresses that users name: never into private networks, bounded, pinned.

A name is resolved once, its addresses are judged, and the connection goes to one of those, so that
a second answer of the name server cannot lead elsewhere.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from roundel.domain.records import dataclass

if TYPE_CHECKING:
    import aiohttp

MOST_REDIRECTS = 5
SECONDS = 10.0
LARGEST = 5_000_000  # bytes of an answer

# Networks that lead into others: what they embed would have to be judged as well.
_EMBEDDING = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class WebRefused(Exception):
    """The address may not be asked, or gave no good answer; `str()` says why."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address belongs to the internet at large."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in _EMBEDDING):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """An answer: `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Web:
    """Fetches small texts.  With `private`, private addresses and plain http are allowed."""

    def __init__(self, *, private: bool = False, seconds: float = SECONDS) -> None:
        self.private = private
        self._seconds = seconds

    async def get(self, url: str, allowed: Callable[[str], bool] = lambda _: True) -> bytes | None:
        """Return what is at an address, None where it says that there is nothing.

        `allowed` judges every address on the way, that of a redirect too.  Raise WebRefused.
        """
        try:
            async with asyncio.timeout(self._seconds):
                for _ in range(MOST_REDIRECTS + 1):
                    if not allowed(url):
                        raise WebRefused(f"it redirects to {url}, which is not allowed")
                    status, body, location = await self._get_once(url)
                    if status in _REDIRECTS and location:
                        url = urljoin(url, location)
                        continue
                    if status in (404, 410):
                        return None
                    if status != 200:
                        raise WebRefused(f"{url} answers with status {status}")
                    return body
        except TimeoutError:
            raise WebRefused(f"{url} takes longer than {self._seconds:g} s") from None
        raise WebRefused(f"{url} redirects more than {MOST_REDIRECTS} times")

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, verify_tls: bool = True
    ) -> int:
        """Send a body; return the status of the answer, as `ask` does."""
        return (await self.ask("POST", url, headers, body, verify_tls=verify_tls)).status

    async def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        verify_tls: bool = True,
    ) -> WebAnswer:
        """Send a request; return the answer, whatever it says.  Redirects are not followed.

        Raise WebRefused where there is no answer in time, it is too large, or the address may not
        be asked.
        """
        import aiohttp  # 150 ms that a start does not need

        host, port = self._target(url)
        limits = aiohttp.ClientTimeout(total=self._seconds)
        try:
            async with asyncio.timeout(self._seconds):
                pinned = await self._address_of(host, port)
                connector = aiohttp.TCPConnector(
                    resolver=_pinned_resolver(pinned, port), ssl=verify_tls
                )
                async with (
                    aiohttp.ClientSession(connector=connector, timeout=limits) as session,
                    session.request(
                        method, url, data=body, allow_redirects=False, headers=headers
                    ) as answer,
                ):
                    said = {name.lower(): value for name, value in answer.headers.items()}
                    return WebAnswer(answer.status, said, await _whole(answer))
        except TimeoutError:
            raise WebRefused(f"{url} takes longer than {self._seconds:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise WebRefused(f"{url} cannot be reached: {reason}") from error

    async def resolve(self, url: str) -> tuple[str, int, str]:
        """Return a URL's host, port and the address to connect to, for who speaks not HTTP/1.

        Raise WebRefused.
        """
        host, port = self._target(url)
        try:
            async with asyncio.timeout(self._seconds):
                return host, port, await self._address_of(host, port)
        except TimeoutError:
            raise WebRefused(f"the host {host} is not found in {self._seconds:g} s") from None

    def check(self, url: str) -> None:
        """Raise WebRefused for what can be told without asking a name server."""
        host, _ = self._target(url)
        try:
            address = ip_address(host)
        except ValueError:
            return
        if not self.private and not is_public(address):
            raise WebRefused(f"{host} is a private address")

    async def _get_once(self, url: str) -> tuple[int, bytes, str | None]:
        import aiohttp  # 150 ms that a start does not need

        host, port = self._target(url)
        pinned = await self._address_of(host, port)
        connector = aiohttp.TCPConnector(resolver=_pinned_resolver(pinned, port))
        limits = aiohttp.ClientTimeout(total=self._seconds)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=limits) as session,
                session.get(url, allow_redirects=False, headers=_HEADERS) as answer,
            ):
                return answer.status, await _body(answer), answer.headers.get("Location")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            reason = str(error) or type(error).__name__
            raise WebRefused(f"{url} cannot be read: {reason}") from error

    def _target(self, url: str) -> tuple[str, int]:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise WebRefused(f"{url} is no address") from error
        if parts.scheme != "https" and not (self.private and parts.scheme == "http"):
            raise WebRefused(f"{url} is not an https:// address")
        if not host or parts.username is not None or parts.password is not None:
            raise WebRefused(f"{url} is not a plain address of a host")
        return host, port or (443 if parts.scheme == "https" else 80)

    async def _address_of(self, host: str, port: int) -> str:
        """Return the address to connect to; refuse a host that has a private one among its own."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
            )
        except (OSError, UnicodeError) as error:
            raise WebRefused(f"the host {host} is not known") from error
        addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
        for address in addresses:
            if not self.private and not is_public(ip_address(address)):
                raise WebRefused(f"{host} is at a private address ({address})")
        if not addresses:
            raise WebRefused(f"the host {host} has no address")
        return addresses[0]


_HEADERS = {"User-Agent": "roundel", "Accept": "*/*", "Accept-Encoding": "identity"}


def _pinned_resolver(address: str, port: int) -> "aiohttp.abc.AbstractResolver":
    from aiohttp.abc import AbstractResolver

    class Pinned(AbstractResolver):
        async def resolve(self, host: str, *_: Any, **__: Any) -> list[Any]:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            return [
                {
                    "hostname": host,
                    "host": address,
                    "port": port,
                    "family": family,
                    "proto": socket.IPPROTO_TCP,
                    "flags": socket.AI_NUMERICHOST,
                }
            ]

        async def close(self) -> None:
            return

    return Pinned()


async def _body(answer: "aiohttp.ClientResponse") -> bytes:
    return await _whole(answer) if answer.status == 200 else b""


async def _whole(answer: "aiohttp.ClientResponse") -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in answer.content.iter_any():
        size += len(piece)
        if size > LARGEST:
            raise WebRefused(f"{answer.url} is larger than {LARGEST} bytes")
        pieces.append(piece)
    return b"".join(pieces)
