"""The command line's client, against a plain HTTP server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from roundel.wire.api_client import ApiClient, ApiRefusal, ServerAway


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent; `/refuse` and `/page` answer otherwise."""

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_DELETE = do_GET  # noqa: N815 - names that http.server calls

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if self.path == "/page":
            status, body = 502, b"<html>Bad gateway</html>"
        elif self.path == "/refuse":
            status, body = 404, b'{"message":"Project not found"}'
        else:
            seen = {
                "method": self.command,
                "path": self.path,
                "token": self.headers["Circle-Token"],
                "body": self.rfile.read(length).decode(),
            }
            status, body = 200, json.dumps(seen).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_requests_carry_the_token_and_json(address: str):
    client = ApiClient(address, "secret")
    assert client.post("/x", {"a": 1}) == {
        "method": "POST",
        "path": "/x",
        "token": "secret",
        "body": '{"a": 1}',
    }
    assert client.get("/y")["body"] == ""
    assert client.delete("/z")["method"] == "DELETE"


def test_a_path_before_the_api_is_kept(address: str):
    assert ApiClient(f"{address}/ci", "t").get("/api")["path"] == "/ci/api"


def test_a_refusal_has_the_servers_words(address: str):
    with pytest.raises(ApiRefusal, match="Project not found") as refused:
        ApiClient(address, "t").get("/refuse")
    assert refused.value.status == 404


def test_an_answer_that_is_not_ours_is_shown(address: str):
    with pytest.raises(ApiRefusal, match=r"HTTP 502, and not in JSON: '<html>Bad gateway"):
        ApiClient(address, "t").get("/page")


@pytest.mark.parametrize("server", ["http://127.0.0.1:1", "http://no.invalid", "http://[::1"])
def test_nobody_there_is_told_apart_from_a_refusal(server: str):
    with pytest.raises((ServerAway, ValueError)):
        ApiClient(server, "t", timeout=5).get("/x")


def test_a_token_that_no_header_can_carry_is_told(address: str):
    with pytest.raises(ServerAway, match="Invalid header value"):
        ApiClient(address, "a\nb").get("/x")
