"""Signals that come while a local run ends."""

import pytest

from tests.snippets import python

BEGIN = """
import asyncio, os, signal, threading
from roundel.app.local_signals import hear_signals, interruptible, until_signalled, whole

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup would have it ignored

def again_and_again(number):
    for _ in range(1000):
        os.kill(os.getpid(), number)
"""
# The loop waits for the thread while it closes.
CLOSING = """
async def run():
    asyncio.get_running_loop().run_in_executor(None, again_and_again, NUMBER)
    return "done"

with interruptible(), asyncio.Runner() as runner:
    print(runner.run(until_signalled(run())))
"""
STOPPING = """
async def stop():
    await asyncio.to_thread(again_and_again, NUMBER)
    print("stopped")

async def run():
    try:
        os.kill(os.getpid(), NUMBER)
        raise ValueError("git was told to end, too")
    finally:
        await whole(stop())

try:
    with interruptible(), asyncio.Runner() as runner:
        runner.run(until_signalled(run()))
except KeyboardInterrupt:
    print("interrupted")
"""
HEARING = """
async def run():
    heard = asyncio.Event()
    hear_signals(heard.set)
    await asyncio.to_thread(again_and_again, NUMBER)
    await heard.wait()
    return "heard"

with interruptible(), asyncio.Runner() as runner:
    print(runner.run(until_signalled(run())))
"""
AFTERWARDS = """
async def run():
    pass

with interruptible(), asyncio.Runner() as runner:
    runner.run(until_signalled(run()))
signal.raise_signal(signal.SIGINT)
"""


@pytest.mark.parametrize("number", [1, 2, 15])
@pytest.mark.parametrize(
    ("code", "told"),
    [(CLOSING, "done\n"), (STOPPING, "stopped\ninterrupted\n"), (HEARING, "heard\n")],
    ids=["closing", "stopping", "hearing"],
)
def test_no_signal_cuts_the_end_off(code: str, told: str, number: int) -> None:
    done = python(BEGIN, f"NUMBER = {number}", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, told, "")


def test_one_that_comes_after_all_ends_the_process_without_a_word() -> None:
    done = python(BEGIN, AFTERWARDS)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
