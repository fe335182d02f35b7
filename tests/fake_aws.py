"""What Amazon answers who asks for a registry's login, made by hand: ECR and STS on one port."""

import base64
import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

LOGIN = "AWS:a-password-for-hours"
ROLE_KEY = "AKIAOFTHEROLE"
_ASSUMED = f"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{ROLE_KEY}</AccessKeyId>
<SecretAccessKey>s</SecretAccessKey><SessionToken>session</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>"""


@dataclass(slots=True)
class FakeAws:
    """`keys` are those that it knows; `asked` are the calls: who, in which region, for what."""

    url: str = ""
    keys: set[str] = field(default_factory=lambda: {ROLE_KEY})
    asked: list[tuple[str, ...]] = field(default_factory=list)


@contextlib.contextmanager
def fake_aws() -> Iterator[FakeAws]:
    """Serve until the block ends."""
    aws = FakeAws()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            if not target:
                form = {key: values[0] for key, values in parse_qs(body).items()}
                assert "Authorization" not in self.headers
                aws.asked.append((form["Action"], form["RoleArn"], form["WebIdentityToken"]))
                return self.answer(200, _ASSUMED, "text/xml")
            signed = self.headers["Authorization"]
            found = re.match(r"AWS4-HMAC-SHA256 Credential=(\w+)/\d{8}/([\w-]+)/(\w+)/", signed)
            assert found is not None, signed
            aws.asked.append((target, *found.groups()))
            if found[1] not in aws.keys:
                wrong = {
                    "__type": "UnrecognizedClientException",
                    "message": "The security token included in the request is invalid.",
                }
                return self.answer(400, json.dumps(wrong), "application/x-amz-json-1.1")
            token = base64.b64encode(LOGIN.encode()).decode()
            answer = {"authorizationData": [{"authorizationToken": token}]}
            return self.answer(200, json.dumps(answer), "application/x-amz-json-1.1")

        def answer(self, status: int, text: str, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    aws.url = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield aws
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
