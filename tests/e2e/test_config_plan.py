"""`roundel config plan` in a checkout: jobs, and times from runs that were made here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.client import until
from tests.e2e.site import Site
from tests.local import RUN_SECONDS, Checkout

pytestmark = pytest.mark.e2e

BEFORE = """
version: 2.1
jobs:
  build: {machine: true, steps: [{run: "true"}]}
  lint: {machine: true, steps: [{run: "true"}]}
workflows:
  main: {jobs: [build, lint: {requires: [build]}]}
"""
AFTER = """
version: 2.1
jobs:
  build: {machine: true, steps: [{run: "true"}, {run: echo more}]}
  docs: {machine: true, steps: [{run: "true"}]}
workflows:
  main: {jobs: [build, docs: {requires: [build]}]}
"""


def _plan(checkout: Checkout, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "roundel", "config", "plan", *words],
        cwd=checkout.root,
        env=checkout.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )


def test_a_change_tells_its_jobs_and_the_path_from_recorded_runs(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, BEFORE)
    assert checkout.run().returncode == 0
    checkout.write(".circleci/config.yml", AFTER)

    done = _plan(checkout, "--compare", "HEAD")
    assert done.returncode == 0, done.stderr
    assert "  + docs\n  - lint\n  ~ build: steps\n" in done.stdout
    assert "critical path before: build -> lint (" in done.stdout
    assert "critical path after: build -> docs (" in done.stdout
    assert "no run is recorded of: docs\n" in done.stdout

    (change,) = json.loads(_plan(checkout, "--compare", "HEAD", "--format", "json").stdout)
    assert change["before"]["seconds"] > 0
    assert change["before"]["unknown"] == []
    assert change["altered"] == [{"name": "build", "what": ["steps"]}]


def test_a_run_of_stubs_records_no_durations(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, BEFORE)
    assert checkout.run("--stub").returncode == 0
    assert "no run is recorded of: build, lint" in _plan(checkout).stdout
    assert checkout.run().returncode == 0
    assert "no run is recorded of" not in _plan(checkout).stdout


def test_without_a_change_nothing_is_told(tmp_path: Path) -> None:
    done = _plan(Checkout(tmp_path, BEFORE), "--compare", "HEAD")
    assert done.stdout == "nothing changes in what runs\n"


def test_without_a_revision_the_jobs_and_their_path_are_told(tmp_path: Path) -> None:
    done = _plan(Checkout(tmp_path, BEFORE))
    assert done.stdout.startswith("main: 2 jobs\n  critical path: build -> lint (0.0 s)\n")
    assert "no run is recorded of: build, lint" in done.stdout


def test_a_revision_that_is_none_is_refused_in_one_sentence(tmp_path: Path) -> None:
    done = _plan(Checkout(tmp_path, BEFORE), "--compare", "nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("roundel: nowhere has no .circleci/config.yml: ")
    assert done.stderr.count("\n") == 1


def test_durations_of_a_project_come_from_the_server(process_site: Site, tmp_path: Path) -> None:
    project = process_site.project(BEFORE)
    client = process_site.client
    client.finished(client.trigger(project.slug)["id"])
    jobs = f"/api/v2/insights/{project.slug}/workflows/main/jobs"
    until(lambda: client.get(jobs)["items"], lambda items: len(items) == 2)
    file = tmp_path / "config.yml"
    file.write_text(AFTER)

    done = process_site.command("config", "plan", str(file), "--project", project.slug)
    assert done.returncode == 0, done.stderr
    assert "critical path: build -> docs (" in done.stdout
    assert "no run is recorded of: docs\n" in done.stdout

    absent = process_site.command("config", "plan", str(file), "--project", "gh/acme/absent")
    assert absent.returncode == 1
    assert absent.stderr.startswith("roundel: ")
