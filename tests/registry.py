"""An image registry of the tests' own, with one image that has a layer and nothing to run."""

import base64
import contextlib
import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
_NAME = "tests/nothing-to-run"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@contextlib.contextmanager
def registry(login: str | None = None) -> Iterator[str]:
    """Serve one image, only to `USER:PASSWORD` where a login is given; yield its name."""
    wanted_login = login and f"Basic {base64.b64encode(login.encode()).decode()}"
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        entry = tarfile.TarInfo("hello")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"hello"))
    layer = gzip.compress(raw.getvalue())
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [_digest(raw.getvalue())]},
        }
    ).encode()
    parts = [(CONFIG, config), (LAYER, layer)]
    about = [{"mediaType": kind, "size": len(it), "digest": _digest(it)} for kind, it in parts]
    manifest = json.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST, "config": about[0], "layers": about[1:]}
    ).encode()
    blobs = {_digest(it): it for it in (config, layer, manifest)}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if wanted_login and self.headers.get("Authorization") != wanted_login:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="tests"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if "/manifests/" in self.path and f"/{_NAME}/" not in self.path:
                unknown = [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]
                text = json.dumps({"errors": unknown}).encode()
                self.send_response(404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(text)
                return
            wanted = self.path.rpartition("/")[2]
            found = manifest if "/manifests/" in self.path else blobs.get(wanted, b"{}")
            self.send_response(200)
            kind = MANIFEST if "/manifests/" in self.path else "application/octet-stream"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(found)))
            self.send_header("Docker-Content-Digest", _digest(found))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(found)

        do_HEAD = do_GET  # noqa: N815 - as above

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"127.0.0.1:{server.server_port}/{_NAME}:1"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
