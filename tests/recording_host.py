"""A git host's API that keeps what it is asked and answers as it is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: `path` without its query; headers by lower-case name."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any


@dataclass(slots=True)
class RecordingHost:
    """`answers` are bodies by the ends of paths; everything else is answered with `{}`.

    `refusals` are statuses and headers for the requests that come next.
    """

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, asked: Asked) -> Any:
        with self.arrived:
            self.asked.append(asked)
            self.arrived.notify_all()
        for end, answer in self.answers.items():
            if asked.path.endswith(end):
                return answer
        return {}

    def answer(self, to: BaseHTTPRequestHandler, raw: bytes) -> None:
        """Answer one request, and keep it; `refusals` come before the answers."""
        path, _, query = to.path.partition("?")
        headers = {name.lower(): value for name, value in to.headers.items()}
        body = json.loads(raw) if raw else None
        found = self.take(Asked(to.command, path, query, headers, body))
        status, more = 200 if to.command == "GET" else 201, {}
        if self.refusals:
            status, more = self.refusals.pop(0)
        text = json.dumps(found).encode()
        to.send_response(status)
        for name, value in more.items():
            to.send_header(name, value)
        to.send_header("Content-Type", "application/json")
        to.send_header("Content-Length", str(len(text)))
        to.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):  # who asked has ended meanwhile
            to.wfile.write(text)

    def wait_until(self, enough: Any, seconds: float = 30.0) -> list[Asked]:
        """Return what was asked once `enough` of it is true."""
        with self.arrived:
            came = self.arrived.wait_for(lambda: enough(self.asked), seconds)
            assert came, [(it.method, it.path, it.body) for it in self.asked]
            return list(self.asked)


@contextmanager
def recording_host() -> Iterator[RecordingHost]:
    """Listen on this machine until the block ends."""
    host = RecordingHost()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            host.answer(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_PATCH(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
