"""A git host's API that keeps what it is asked and answers as it is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
    """`answers` are bodies by the ends of paths; everything else is answered with `{}`."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, asked: Asked) -> Any:
        with self.arrived:
            self.asked.append(asked)
            self.arrived.notify_all()
        for end, answer in self.answers.items():
            if asked.path.endswith(end):
                return answer
        return {}

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
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.loads(raw) if raw else None
            answer = json.dumps(host.take(Asked(self.command, path, query, headers, body)))
            self.send_response(200 if self.command == "GET" else 201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer.encode())

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
