"""Ctrl-C over and over, as fast as hands do not."""

import contextlib
import signal
import subprocess
import time

PAUSE_SECONDS = 0.004  # each comes at another moment of the end


def interrupted_until_it_ends(process: "subprocess.Popen[str]", within: float) -> str:
    """Tell a program to end until it has; return what it said.  One that has not is killed."""
    deadline = time.monotonic() + within
    while process.poll() is None and time.monotonic() < deadline:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PAUSE_SECONDS)
    process.kill()
    return process.communicate()[0]
