"""Ctrl-C while code is being loaded: nothing is open yet, so the process ends at once."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130  # as shells say of a program that Ctrl-C ended


@contextmanager
def loading() -> Iterator[None]:
    """Let Ctrl-C end the process within the block.

    A KeyboardInterrupt would not always come out of it as one: where it is raised while a class is
    made, Python puts a RuntimeError in its place.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)
