"""Ctrl-C while code is being loaded."""

from tests.snippets import python

BEGIN = """
import os, signal

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background has it ignored
"""
IN_A_CLASS = """
from roundel.cli.loading import loading

class Field:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.SIGINT)

with loading():
    class Made:
        field = Field()
"""
AFTERWARDS = """
from roundel.cli.loading import loading

with loading():
    pass
signal.raise_signal(signal.SIGINT)
"""
BELOW_A_SHELLS_BACKGROUND = """
from roundel.cli.loading import loading

signal.signal(signal.SIGINT, signal.SIG_IGN)
with loading():
    signal.raise_signal(signal.SIGINT)
print("goes on")
"""


def test_an_interrupt_while_a_class_is_made_ends_the_process_without_a_word() -> None:
    done = python(BEGIN, IN_A_CLASS)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_afterwards_an_interrupt_is_an_exception_again() -> None:
    assert "KeyboardInterrupt" in python(BEGIN, AFTERWARDS).stderr


def test_an_interrupt_that_is_ignored_stays_ignored() -> None:
    done = python(BEGIN, BELOW_A_SHELLS_BACKGROUND)
    assert (done.returncode, done.stdout) == (0, "goes on\n")
