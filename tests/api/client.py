"""Calls the API in this process, without sockets: one request in, one whole answer out."""

import json
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        assert self.headers["content-type"].startswith("application/json"), self.headers
        return json.loads(self.body)

    @property
    def message(self) -> str:
        assert set(self.json()) == {"message"}
        return str(self.json()["message"])


@dataclass(slots=True)
class Client:
    """Speaks for one token; `target` is sent as written, with its escapes."""

    api: ASGIApp
    token: str | None = None

    async def get(self, target: str, **headers: str) -> Answer:
        return await self.send("GET", target, headers=headers)

    async def post(self, target: str, body: object = None, **headers: str) -> Answer:
        if body is None:
            return await self.send("POST", target, headers=headers)
        return await self._send_body("POST", target, body, headers)

    async def put(self, target: str, body: object, **headers: str) -> Answer:
        return await self._send_body("PUT", target, body, headers)

    async def _send_body(
        self, method: str, target: str, body: object, headers: dict[str, str]
    ) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers.setdefault("content_type", "application/json")
        return await self.send(method, target, raw, headers)

    async def send(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        path, _, query = target.partition("?")
        lines = [(b"host", b"ci.example")]
        if self.token is not None:
            lines.append((b"circle-token", self.token.encode()))
        for name, value in (headers or {}).items():
            lines.append((name.replace("_", "-").lower().encode(), value.encode("latin-1")))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": lines,
        }
        received: list[Message] = []
        incoming = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return incoming.pop() if incoming else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            received.append(message)

        await self.api(scope, receive, send)
        start, *rest = received
        head = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], head, b"".join(part.get("body", b"") for part in rest))
