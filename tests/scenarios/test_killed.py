"""A real server, killed with SIGKILL in the middle and started again, loses nothing."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import roundel
from tests.unit.vcs.conftest import Repo

CONFIG = """
version: 2.1
jobs:
  first: &job
    docker: [{image: cimg/base:current}]
    steps:
      - run: echo "begin $CIRCLE_JOB"; sleep 0.3; echo "end $CIRCLE_JOB"
  second: *job
  third: *job
workflows:
  main:
    jobs:
      - first
      - second: {requires: [first]}
      - third: {requires: [second]}
"""
SERVE = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from roundel.app import serve
from roundel.settings import BackendChoice, Settings
serve(
    Settings(data=Path(sys.argv[2]), port=0, slots=2, backend=BackendChoice.PROCESS),
    announce=lambda url: print(url, flush=True),
)
"""


class Client:
    """The API as a script would use it."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    def __call__(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Circle-Token": self._token, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@contextmanager
def server(data: Path, last_signal: int) -> Iterator[Client]:
    """Run a server; end it with `last_signal`."""
    source = str(Path(roundel.__file__).parent.parent)
    with (
        (data.parent / "journal").open("ab") as journal,
        subprocess.Popen(
            [sys.executable, "-c", SERVE, source, str(data)],
            stdout=subprocess.PIPE,
            stderr=journal,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, (data.parent / "journal").read_text()
        try:
            yield Client(url, (data / "admin-token").read_text().strip())
        finally:
            os.kill(process.pid, last_signal)


def final_status(call: Client, pipeline: str) -> str:
    """Return what the pipeline's workflow ended as."""
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        items = call("GET", f"/api/v2/pipeline/{pipeline}/workflow")["items"]
        if items and items[0]["stopped_at"]:
            return str(items[0]["status"])
        time.sleep(0.05)  # the API has no call that waits for a workflow
    raise AssertionError("the workflow did not end")


@pytest.mark.e2e
@pytest.mark.parametrize("seconds", [0.0, 0.15, 0.5, 0.8])
def test_every_accepted_pipeline_ends_and_its_output_is_whole(
    repo: Repo, tmp_path: Path, seconds: float
) -> None:
    repo.commit(CONFIG)
    data = tmp_path / "data"
    slug = "/api/v2/project/gh/acme/web"
    with server(data, signal.SIGKILL) as call:
        added = {"slug": "gh/acme/web", "repository_url": repo.url, "default_branch": "main"}
        call("POST", "/api/roundel/project", added)
        pipelines = [call("POST", f"{slug}/pipeline", {})["id"] for _ in range(3)]
        time.sleep(seconds)  # the phase in which the server is killed

    with server(data, signal.SIGTERM) as call:
        assert [final_status(call, pipeline) for pipeline in pipelines] == ["success"] * 3
        numbers = {job["build_num"] for job in call("GET", "/api/v1.1/project/gh/acme/web")}
        assert numbers == set(range(1, 10))
        for number in numbers:
            job = call("GET", f"/api/v1.1/project/gh/acme/web/{number}")
            action = job["steps"][-1]["actions"][0]
            with urllib.request.urlopen(action["output_url"], timeout=10) as answer:
                output = "".join(piece["message"] for piece in json.load(answer))
            name = job["workflows"]["job_name"]
            assert output.split() == ["begin", name, "end", name]


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo")
