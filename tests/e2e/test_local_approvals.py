"""`roundel run` and approvals: given beforehand, asked for, or not given."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.local import Checkout

pytestmark = pytest.mark.e2e

APPROVALS = """
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: echo building}]
  deploy:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: echo deploying}]
workflows:
  main:
    jobs:
      - build
      - hold: {type: approval, requires: [build]}
      - deploy: {requires: [hold]}
"""


@pytest.mark.parametrize("approve", ["all", "hold"])
def test_an_approval_can_be_given_beforehand(tmp_path: Path, approve: str) -> None:
    done = Checkout(tmp_path, APPROVALS).run("--approve", approve)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "deploying" in done.stdout


def test_without_an_approval_the_run_ends_where_it_waits(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, APPROVALS)
    done = checkout.run()
    assert done.returncode == 1
    assert "building" in done.stdout
    assert "main: on_hold" in done.stdout
    assert "not approved; --approve hold approves it beforehand" in done.stdout
    assert "deploying" not in done.stdout


def test_a_misspelt_approval_or_context_is_told(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, APPROVALS)
    (tmp_path / "a.env").write_text("TOKEN=sesame\n")
    done = checkout.run("--approve", "hodl", "--context", f"vault={tmp_path}/a.env")
    assert done.returncode == 1
    assert "--approve hodl: jobs here have no such approval job; they have: hold" in done.stderr
    assert "--context vault: jobs here have no such context; they have: none" in done.stderr


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_the_terminal_is_asked_for_an_approval(tmp_path: Path, answer: str, code: int) -> None:
    checkout = Checkout(tmp_path, APPROVALS)
    master, slave = os.openpty()
    process = subprocess.Popen(
        checkout.command(),
        cwd=checkout.root,
        env=checkout.environment(),
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(slave)
    os.write(master, f"{answer}\n".encode())
    output, errors = process.communicate(timeout=60)
    os.close(master)
    assert process.returncode == code, output + errors
    assert "Approve hold of workflow main? [y/n]\n" in errors  # output may follow at once
    assert ("deploying" in output) == (code == 0)
