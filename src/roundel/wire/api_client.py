"""A small client of Roundel's API for the command line: standard library, JSON in and out."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60.0
LONGEST_ERROR = 500  # characters shown of an answer that is not ours


class ServerAway(Exception):
    """Nobody answers at the address, or not in HTTP."""


class ApiRefusal(Exception):
    """The server answered, and the answer is no; the text is its message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ApiClient:
    """Sends one request after another to `server`, on behalf of the token's owner."""

    def __init__(self, server: str, token: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self._parts = urlsplit(server)
        self._token = token
        self._timeout = timeout

    def get(self, path: str) -> Any:
        return self._request("GET", path, None)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        return self._request("POST", path, body or {})

    def delete(self, path: str) -> Any:
        return self._request("DELETE", path, None)

    def _request(self, method: str, path: str, body: Mapping[str, object] | None) -> Any:
        # Late: these cost more to import than a command that fails early takes.
        from http.client import HTTPConnection, HTTPException, HTTPSConnection

        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        headers = {"Circle-Token": self._token, "Accept": "application/json"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            connection = kind(self._parts.netloc, timeout=self._timeout)
            try:
                connection.request(method, self._parts.path + path, data, headers)
                answer = connection.getresponse()
                status, raw = answer.status, answer.read()
            finally:
                connection.close()
        except (OSError, HTTPException, ValueError) as error:
            raise ServerAway(str(error) or type(error).__name__) from error
        return _read(status, raw)


def _read(status: int, raw: bytes) -> Any:
    try:
        answer = json.loads(raw)
    except ValueError as error:
        shown = raw[:LONGEST_ERROR].decode("utf-8", "replace")
        raise ApiRefusal(status, f"HTTP {status}, and not in JSON: {shown!r}") from error
    if status >= 400:
        message = answer.get("message") if isinstance(answer, dict) else None
        raise ApiRefusal(status, str(message or f"HTTP {status}"))
    return answer
