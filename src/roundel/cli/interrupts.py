"""Ctrl-C and SIGTERM that end a command in order, however often they are said."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, TypeVar

T = TypeVar("T")


class Interrupts:
    """Makes the first signal a KeyboardInterrupt; later ones would cut the end off, and do nothing.

    A shell that starts a command in the background has it ignore Ctrl-C: that is undone.
    """

    def __init__(self, *numbers: signal.Signals) -> None:
        self._numbers = numbers
        self._heard = False
        self._waits = False
        self._kept_back = False
        for number in numbers:
            signal.signal(number, self._hear)

    @contextmanager
    def kept_back(self) -> Iterator[None]:
        """Raise what comes within the block after it."""
        self._kept_back = True
        try:
            yield
        finally:
            self._kept_back = False
        if self._waits:
            self._waits = False
            raise KeyboardInterrupt

    @contextmanager
    def holding(self, make: Callable[[], T], end: Callable[[T], object]) -> Iterator[T]:
        """Yield what `make` returns, and end it: no signal comes between, nor cuts either off."""
        made: list[T] = []
        try:
            with self.kept_back():
                made.append(make())
            yield made[0]
        finally:
            with self.kept_back():
                for thing in made:
                    end(thing)

    def wait(self) -> NoReturn:
        """Raise KeyboardInterrupt once a signal comes.

        They are blocked meanwhile: a wait that begins just after one has come would never end.  No
        other thread may take them.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, self._numbers)
        signal.sigwait(self._numbers)
        self._heard = True
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._numbers)
        raise KeyboardInterrupt

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        if self._heard:
            return
        self._heard = True
        if not self._kept_back:
            raise KeyboardInterrupt
        self._waits = True
