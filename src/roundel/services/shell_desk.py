"""Where a person at this server and a runner that has dialled back to it meet: in memory alone."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from roundel.domain.errors import IllegalMove
from roundel.domain.ids import ExecutionId
from roundel.domain.shells import MOST_OF_A_JOB, Typed, WindowSize

DIAL_SECONDS = 15.0  # in which a runner must have called back
MOST_WAITING = 32  # pieces that one side has given and the other not taken
TOO_MANY = f"This job has {MOST_OF_A_JOB} shells already: close one of them."
T = TypeVar("T")


class _Lane(Generic[T]):
    """From one side to the other; who gives waits while much is not taken."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._open = True
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def give(self, item: T) -> None:
        await self._room.wait()
        if not self._open:
            return
        self._items.append(item)
        self._news.set()
        if len(self._items) >= MOST_WAITING:
            self._room.clear()

    async def take(self) -> T | None:
        """Return the next item; None once the lane is closed and empty."""
        while not self._items:
            if not self._open:
                return None
            self._news.clear()
            await self._news.wait()
        self._room.set()
        return self._items.popleft()

    def close(self) -> None:
        self._open = False
        self._news.set()
        self._room.set()


class Meeting:
    """One shell: a person at one end, a runner (`domain.shells.ShellLine`) at the other."""

    def __init__(self, size: WindowSize) -> None:
        self.size = size
        self.joined = asyncio.Event()  # the runner is there
        self.why = ""  # it has ended
        self._typed: _Lane[Typed] = _Lane()
        self._said: _Lane[bytes] = _Lane()

    async def type(self, typed: Typed) -> None:
        """Hand keys or another size over; waits while the runner takes no more."""
        await self._typed.give(typed)

    async def printed(self) -> bytes | None:
        """Return what the shell printed next; None once it has ended, and `why` says why."""
        return await self._said.take()

    def hang_up(self) -> None:
        """End it from the person's side."""
        self._typed.close()
        self._said.close()

    async def heard(self) -> Typed | None:
        """As `ShellLine` says."""
        return await self._typed.take()

    async def say(self, data: bytes) -> None:
        """As `ShellLine` says."""
        await self._said.give(data)

    async def end(self, why: str) -> None:
        """As `ShellLine` says."""
        self.why = self.why or why
        self.hang_up()


class ShellDesk:
    """Who waits at this server for a shell, and who has one."""

    def __init__(self) -> None:
        self.dial_seconds = DIAL_SECONDS
        self._meetings: dict[ExecutionId, list[Meeting]] = {}

    def awaited(self, execution: ExecutionId) -> bool:
        """Tell whether somebody waits for the execution's runner."""
        return any(not it.joined.is_set() for it in self._meetings.get(execution, ()))

    @contextmanager
    def waits(self, execution: ExecutionId, size: WindowSize) -> Iterator[Meeting]:
        """Let a person wait for a shell, and have it, until the block is left."""
        here = self._meetings.setdefault(execution, [])
        if len(here) >= MOST_OF_A_JOB:
            raise IllegalMove(TOO_MANY)
        meeting = Meeting(size)
        here.append(meeting)
        try:
            yield meeting
        finally:
            meeting.hang_up()
            here.remove(meeting)
            if not here:
                self._meetings.pop(execution, None)

    def take(self, execution: ExecutionId) -> Meeting | None:
        """Return the meeting of who has waited longest, None where nobody waits."""
        for meeting in self._meetings.get(execution, ()):
            if not meeting.joined.is_set():
                meeting.joined.set()
                return meeting
        return None
