"""What Google answers who changes an identity token for a login, made by hand: STS and IAM."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOGIN = "oauth2accesstoken:ya29.a-token-for-an-hour"
POOLED = "ya29.of-the-pool"


@dataclass(slots=True)
class FakeGoogle:
    """`trusted` is the token that it knows; `asked` are the calls: what, for whom, with what."""

    url: str = ""
    trusted: str = "e.y.J"
    failing: list[int] = field(default_factory=list)  # statuses of the next answers
    asked: list[tuple[str, ...]] = field(default_factory=list)


@contextlib.contextmanager
def fake_google() -> Iterator[FakeGoogle]:
    """Serve until the block ends."""
    google = FakeGoogle()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if google.failing:
                return self.answer(google.failing.pop(0), {})
            if self.path == "/v1/token":
                token, audience = body["subjectToken"], body["audience"]
                google.asked.append(("token", audience, token))
                assert "Authorization" not in self.headers
                if token != google.trusted:
                    why = "The given credential is rejected by the attribute condition.\nmore"
                    wrong = {"error": "unauthorized_client", "error_description": why}
                    return self.answer(400, wrong)
                return self.answer(200, {"access_token": POOLED, "token_type": "Bearer"})
            google.asked.append((self.path, self.headers["Authorization"], *body["scope"]))
            if "stranger" in self.path:
                why = "Permission 'iam.serviceAccounts.getAccessToken' denied"
                return self.answer(403, {"error": {"code": 403, "message": why}})
            return self.answer(200, {"accessToken": LOGIN.partition(":")[2]})

        def answer(self, status: int, found: dict[str, object]) -> None:
            text = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    google.url = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield google
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
