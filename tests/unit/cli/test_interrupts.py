"""Signals that come while a command makes or ends what must not be left behind."""

import pytest

from tests.snippets import python

BEGIN = """
import os, signal
from roundel.cli.interrupts import Interrupts

interrupts = Interrupts(signal.SIGINT, signal.SIGTERM)

def told(word):
    for _ in range(3):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    print(word)
    return word
"""
STORY = """
try:
    with interrupts.holding(MAKE, lambda _: END("ended")):
        WITHIN("within")
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ("MAKE = lambda: told('made'); WITHIN = END = print", "made\nended\ninterrupted\n"),
        ("MAKE = int; WITHIN = told; END = print", "ended\ninterrupted\n"),
        ("MAKE = int; WITHIN = print; END = told", "within\nended\ninterrupted\n"),
    ],
    ids=["making", "within", "ending"],
)
def test_what_was_made_is_ended_whole(parts: str, said: str) -> None:
    done = python(BEGIN, parts, STORY)
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
