"""Ctrl-C during `roundel run`, once and again, at any moment."""

import signal
import time
from pathlib import Path

import pytest

from roundel.backends.protocol import GRACE_SECONDS
from tests.e2e.client import until
from tests.e2e.test_local_runs import a_job, processes_of, started
from tests.local import Checkout

pytestmark = pytest.mark.e2e


def test_ctrl_c_said_again_does_not_wait_for_a_job_that_does_not_end(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, a_job("trap '' TERM INT; while true; do sleep 4711; done"))
    process = started(checkout)
    before = time.monotonic()

    def said_again() -> int | None:
        process.send_signal(signal.SIGINT)
        return process.poll()

    assert until(said_again, lambda code: code is not None) == 130
    assert time.monotonic() - before < GRACE_SECONDS
    process.communicate()
    assert processes_of(checkout) == []
    assert list(checkout.cache.glob("**/runner/jobs/*")) == []


def test_what_a_killed_run_has_left_undone_can_be_run_again(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, a_job("test -e go || sleep 4711"))
    process = started(checkout)
    process.kill()
    process.communicate()
    checkout.write("go", "")
    done = checkout.run("--failed")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "build  success" in done.stdout
    assert processes_of(checkout) == []
