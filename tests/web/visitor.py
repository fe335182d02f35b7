"""A browser without a window: keeps cookies, fills in forms, goes where it is sent."""

import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode

from starlette.types import ASGIApp

from tests.api.client import Answer, Client

_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]+)"')


@dataclass
class Visitor:
    """One browser; `origin` is what it has in its address bar."""

    doors: ASGIApp
    origin: str = "http://ci.example"
    cookies: dict[str, str] = field(default_factory=dict)
    form_token: str = ""

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._send("GET", path, b"", {"accept": "text/html", **headers})

    async def post(self, path: str, /, **fields: str) -> Answer:
        """Send a form with the token of the page that was last seen."""
        return await self.send_form(path, {"form_token": self.form_token, **fields})

    async def send_form(
        self, path: str, fields: dict[str, str], headers: dict[str, str] | None = None
    ) -> Answer:
        sent = {"content_type": "application/x-www-form-urlencoded", "origin": self.origin}
        body = urlencode(fields).encode()
        return await self._send("POST", path, body, {**sent, **(headers or {})})

    async def sign_in(self, token: str) -> Answer:
        await self.get("/sign-in")
        answer = await self.post("/sign-in", token=token)
        await self.get("/account")
        return answer

    async def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        if self.cookies:
            headers["cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        answer = await Client(self.doors).send(method, path, body, headers)
        set_cookie = answer.headers.get("set-cookie")
        if set_cookie is not None:
            name, _, value = set_cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
            if not value or "Max-Age=0" in set_cookie:
                del self.cookies[name]
        found = _TOKEN.search(text_of(answer))
        if found is not None:
            self.form_token = found.group(1)
        return answer


def text_of(answer: Answer) -> str:
    return unescape(answer.body.decode("utf-8", "replace"))
