"""Ctrl-C during `roundel run`, once and again, at any moment."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from roundel.backends.protocol import GRACE_SECONDS
from tests.e2e.client import until
from tests.e2e.interrupting import interrupted_until_it_ends
from tests.e2e.test_local_runs import a_job, processes_of, started
from tests.local import RUN_SECONDS, Checkout

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


def test_ctrl_c_over_and_over_ends_the_run_without_a_word_and_whole(tmp_path: Path) -> None:
    job = a_job("trap '' TERM INT; while true; do sleep 4711; done")
    for number in range(8):
        folder = tmp_path / str(number)
        folder.mkdir()
        checkout = Checkout(folder, job)
        process = started(checkout)
        said = interrupted_until_it_ends(process, GRACE_SECONDS)
        assert process.returncode == 130, said
        assert "Traceback" not in said
        assert processes_of(checkout) == []


SLOW_GIT = """#!/bin/sh
case " $* " in *" $SLOW "*) touch "${0%/*}/waits"; exec sleep 4711 ;; esac
exec "$REAL_GIT" "$@"
"""


def interrupted_in_git(tmp_path: Path, word: str) -> tuple[Checkout, int, str]:
    """Press Ctrl-C while a command of git that has `word` runs; return the end and what was said.

    As a terminal does, that tells all that run in front, git with them.
    """
    checkout = Checkout(tmp_path, a_job("echo done"))
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").write_text(SLOW_GIT)
    (programs / "git").chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    process = subprocess.Popen(
        checkout.command(),
        cwd=checkout.root,
        env=checkout.environment(PATH=path, REAL_GIT=shutil.which("git") or "", SLOW=word),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        until((programs / "waits").exists, bool)
        os.killpg(process.pid, signal.SIGINT)
        told = process.communicate(timeout=RUN_SECONDS)[0]
    finally:
        process.kill()
    return checkout, process.returncode, told


def test_ctrl_c_during_the_snapshot_ends_the_run_without_a_word(tmp_path: Path) -> None:
    checkout, code, told = interrupted_in_git(tmp_path, "write-tree")
    assert (code, told) == (130, "")
    done = checkout.run()
    assert done.returncode == 0, done.stdout + done.stderr


def test_ctrl_c_during_the_runners_clone_cancels_the_job_and_does_not_fail_it(
    tmp_path: Path,
) -> None:
    checkout, code, told = interrupted_in_git(tmp_path, "gc")
    assert code == 130, told
    assert "build  canceled" in told
    assert "failed" not in told
    assert processes_of(checkout) == []


def test_a_run_below_nohup_goes_on_when_the_terminal_is_gone(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, a_job("while test ! -e go; do sleep 0.05; done"))
    process = started(checkout, "--in-place", hangups=signal.SIG_IGN)
    process.send_signal(signal.SIGHUP)
    checkout.write("go", "")
    said, _ = process.communicate(timeout=RUN_SECONDS)
    assert process.returncode == 0, said
    assert "build  success" in said


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
