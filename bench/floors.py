"""The same work with nothing of ours in between."""

import http.client
import json
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ECHO = ["bash", "-eo", "pipefail", "-c", "echo hi"]


def read_config(repository: Path) -> None:
    """Read the config at the head of a repository, as any server must before it can start."""
    subprocess.run(
        ["git", "-C", str(repository), "show", "HEAD:.circleci/config.yml"],
        check=True,
        capture_output=True,
    )


def run_processes(count: int, at_once: int = 1) -> None:
    """Run `echo hi` in a shell `count` times, `at_once` at a time."""

    def one(_: int) -> None:
        done = subprocess.run(ECHO, check=True, capture_output=True)
        assert done.stdout == b"hi\n"

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, range(count)))


class Engine:
    """The few calls to a container engine that one job cannot do without."""

    def __init__(self, path: str, image: str) -> None:
        self.path, self.image = path, image

    def call(self, method: str, path: str, body: Any = None) -> bytes:
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self.path)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
            assert response.status < 300, f"{method} {path}: {response.status} {answer!r}"
            return answer
        finally:
            connection.close()

    def run_container(self) -> None:
        """Create, start, wait, read the log, remove."""
        made = self.call("POST", "/containers/create", {"Image": self.image, "Cmd": ECHO})
        path = f"/containers/{json.loads(made)['Id']}"
        self.call("POST", f"{path}/start")
        assert json.loads(self.call("POST", f"{path}/wait"))["StatusCode"] == 0
        assert b"hi" in self.call("GET", f"{path}/logs?stdout=1")
        self.call("DELETE", f"{path}?v=1&force=1")

    def run_containers(self, count: int, at_once: int = 1) -> None:
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(lambda _: self.run_container(), range(count)))
