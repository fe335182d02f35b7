"""The terminal, lent to a program that somebody works in."""

import asyncio
import contextlib
import os
import signal
import sys
import termios
from collections.abc import AsyncIterator, Iterator

from roundel.app.local_desk import Command


@contextlib.contextmanager
def taking_back(terminal: int) -> Iterator[None]:
    """Take the terminal back at the end, as it was: a shell makes itself its foreground."""
    saved = termios.tcgetattr(terminal)
    try:
        yield
    finally:
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            with contextlib.suppress(OSError):
                os.tcsetpgrp(terminal, os.getpgrp())
            termios.tcsetattr(terminal, termios.TCSADRAIN, saved)
        finally:
            signal.signal(signal.SIGTTOU, before)


class PlainDesk:
    """Implements `Desk` where lines are printed: nothing is asked for, the terminal is lent."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def command(self) -> Command:
        """Wait for ever."""
        never: asyncio.Future[Command] = asyncio.get_running_loop().create_future()
        return await never

    @contextlib.asynccontextmanager
    async def lend(self) -> AsyncIterator[None]:
        """Give the terminal to one shell after another; what jobs say meanwhile is shown too."""
        async with self._turn:
            sys.stdout.flush()
            with taking_back(sys.stdin.fileno()):
                yield
