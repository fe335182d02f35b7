"""Git hosts of the tests' own: one that is reached by ssh, one by http with a password."""

import base64
import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.groups import SYSTEM_PATH
from tests.recording_host import RecordingHost

START_SECONDS = 20.0
PASSWORD = "s3cret-and-long"


@dataclass(frozen=True, slots=True)
class SshHost:
    """`prefix` and a path are an address; `key` opens it."""

    prefix: str
    key: str
    host_key_line: str


def a_key(path: Path) -> Path:
    """Make a key pair."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(words, check=True)
    return path


@contextlib.contextmanager
def ssh_host(folder: Path) -> Iterator[SshHost]:
    """Serve this machine's folders by ssh to whoever has one key."""
    folder.mkdir()
    host, user = a_key(folder / "host"), a_key(folder / "user")
    port = free_port()
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": host,
        "AuthorizedKeysFile": f"{user}.pub",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "PidFile": "none",
    }
    file = folder / "sshd_config"
    file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    program = shutil.which("sshd", path=SYSTEM_PATH)
    assert program is not None
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-D", "-e", "-f", str(file)], stdin=subprocess.DEVNULL, stderr=log
        )
    try:
        _until_it_listens(port)
        name = os.environ.get("USER", "root")
        public = host.with_suffix(".pub").read_text().split()
        line = f"[127.0.0.1]:{port} {public[0]} {public[1]}"
        yield SshHost(f"ssh://{name}@127.0.0.1:{port}", user.read_text(), line)
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _until_it_listens(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        assert time.monotonic() < deadline, "sshd does not listen"
        time.sleep(0.02)  # a daemon has no other way to say that it is ready


@contextlib.contextmanager
def http_host(
    folder: Path,
    *,
    filters: bool = True,
    login: str = "ada",
    password: str = PASSWORD,
    api: RecordingHost | None = None,
    public: str | None = None,
) -> Iterator[str]:
    """Serve the repositories of a folder to `login` with the password; yield the address.

    What lies below /api/ is for `api` to answer, what lies below `public` is open to everybody.
    """
    backend = (
        Path(
            subprocess.run(
                ["git", "--exec-path"], capture_output=True, text=True, check=True
            ).stdout.strip()
        )
        / "git-http-backend"
    )
    wanted = "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def do_PATCH(self) -> None:
            self._serve()

        def log_message(self, format: str, *args: object) -> None:
            del format, args

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if api is not None and self.path.startswith("/api/"):
                api.answer(self, body)
                return
            everybodys = public is not None and self.path.startswith(public)
            # Whoever shows a password for what is open to all is known to have lost one.
            if self.headers.get("Authorization") != (None if everybodys else wanted):
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            path, _, query = self.path.partition("?")
            done = subprocess.run(
                [str(backend)],
                input=body,
                capture_output=True,
                check=True,
                env={
                    **os.environ,
                    "GIT_PROJECT_ROOT": str(folder),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "REMOTE_USER": login,
                    "GIT_CONFIG_COUNT": "3",
                    "GIT_CONFIG_KEY_0": "uploadpack.allowFilter",
                    "GIT_CONFIG_VALUE_0": str(filters).lower(),
                    "GIT_CONFIG_KEY_1": "safe.directory",
                    "GIT_CONFIG_VALUE_1": "*",
                    "GIT_CONFIG_KEY_2": "http.receivepack",
                    "GIT_CONFIG_VALUE_2": "true",
                },
            ).stdout
            head, _, content = done.partition(b"\r\n\r\n")
            lines = [line.decode().split(": ", 1) for line in head.split(b"\r\n")]
            fields = dict(lines)
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
