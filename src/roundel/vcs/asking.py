"""Asking the APIs of git hosts: bounded, guarded, and their refusals understood."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from roundel.domain.git_hosts import HostRefused
from roundel.vcs.protocol import Fields
from roundel.wire.web import Web, WebAnswer, WebRefused

LONGEST_WAIT = 3600  # seconds that a host may ask us to wait
AGENT = "roundel"


class Asking:
    """Sends requests to one host's API.  Never shows a secret in what it says of failures."""

    def __init__(self, web: Web) -> None:
        self._web = web

    async def json(
        self, method: str, url: str, headers: Mapping[str, str], body: Any = None
    ) -> Fields:
        """Return the object of a good answer; raise HostRefused for any other."""
        answer = await self.answer(method, url, headers, body)
        try:
            return Fields(msgspec.json.decode(answer.body) if answer.body.strip() else {})
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise HostRefused(f"{_place(url)} answers, and not in JSON") from None

    async def answer(
        self, method: str, url: str, headers: Mapping[str, str], body: Any = None
    ) -> WebAnswer:
        """Return a good answer; raise HostRefused for any other."""
        sent = {"User-Agent": AGENT, "Accept": "application/json", **headers}
        data = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            data = msgspec.json.encode(body)
        try:
            answer = await self._web.ask(method, url, sent, data)
        except WebRefused as error:
            raise HostRefused(str(error)) from None
        if 200 <= answer.status < 300:
            return answer
        place = f"{method} {_place(url)}"
        if answer.status == 404:
            raise HostRefused(f"{place} answers with status 404", final=True)
        wait = _wait(answer)
        if wait is not None or answer.status in (408, 425, 429) or answer.status >= 500:
            raise HostRefused(f"{place} answers with status {answer.status}", retry_after=wait)
        said = Fields(_tree(answer.body))
        why = said.text("message") or said.text("error", "message") or said.text("error")
        message = f"{place} answers with status {answer.status}: {why[:200]}".rstrip(": ")
        raise HostRefused(message, final=True)


def part(text: str) -> str:
    """Return a text as one segment of an address."""
    return quote(text, safe="")


def path(text: str) -> str:
    """Return a text as segments of an address; a segment that would climb is refused."""
    if any(piece in ("", ".", "..") for piece in text.split("/")):
        raise HostRefused(f"{text[:100]!r} is no path of a repository", final=True)
    return quote(text, safe="/")


def _wait(answer: WebAnswer) -> int | None:
    """Return the seconds that a host asks us to wait, if it does."""
    named = answer.headers.get("retry-after", "")
    if named.isascii() and named.isdigit():
        return min(int(named[:9]), LONGEST_WAIT)
    if answer.headers.get("x-ratelimit-remaining") == "0" and answer.status in (403, 429):
        return 60
    return None


def _tree(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _place(url: str) -> str:
    return url.partition("?")[0]
