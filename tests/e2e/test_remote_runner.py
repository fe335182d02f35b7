"""`roundel runner`: a program of its own, on a server that runs no jobs itself."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server import ROOT, program_environment
from tests.e2e.site import Site, runnerless

pytestmark = pytest.mark.e2e

CONFIG = """
version: 2.1
jobs:
  build:
    machine: true
    resource_class: acme/linux
    steps:
      - checkout
      - run: echo "built by $CIRCLE_JOB"
workflows:
  w: {jobs: [build]}
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with runnerless(tmp_path) as site:
        yield site


def test_jobs_of_a_class_run_on_the_runner_that_was_started_for_it(site: Site) -> None:
    slug = site.project(CONFIG).slug
    post = site.client.request
    post("POST", "/api/v3/runner/resource", body={"resource_class": "acme/linux"})
    made = post(
        "POST", "/api/v3/runner/token", body={"resource_class": "acme/linux", "nickname": "box"}
    )
    assert made.status == 200
    accepted = site.client.trigger(slug, branch="main")
    words = ["runner", "--server", site.server.url, "--token", made.json()["token"]]
    words += ["--resource-class", "acme/linux", "--backend", "process", "--slots", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "roundel", *words, "--data", str(site.folder / "runner")],
        env=program_environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as runner:
        try:
            (workflow,) = site.client.finished(accepted["id"], within=60).values()
            built = "".join(site.client.output(slug, 1).values())
            assert site.server.stop() == 0  # while the runner waits for work
        finally:
            runner.send_signal(signal.SIGTERM)
        said = runner.communicate(timeout=30)[0]
    assert workflow["status"] == "success", said
    assert runner.returncode == 0, said
    assert "built by build" in built
    assert '"level":"error"' not in site.server.log


def test_a_runner_with_a_wrong_token_says_so_and_ends(site: Site) -> None:
    done = site.command(
        *("runner", "--server", site.server.url, "--token", "rdl_wrong"),
        *("--backend", "process", "--data", str(site.folder / "runner")),
    )
    assert done.returncode == 1
    assert "no token of a runner" in done.stderr
