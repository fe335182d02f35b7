"""Reading a step's output file while it grows, within bounds of disk and memory."""

import asyncio
import os
from collections.abc import Callable

MIB = 1024 * 1024
READ_BYTES = 256 * 1024  # at a time: large enough for 600 MB/s, small enough to stay responsive
FREEZE_BYTES = 256 * MIB  # unread; more than this and the step's processes are stopped
THAW_BYTES = 64 * MIB
CAP_BYTES = 4096 * MIB
GUARD_SECONDS = 0.05  # how often the size is looked at while the reader waits for its receiver


class OutputFile:
    """One step's output: what is there from `offset` on, up to the cap.

    `freeze` is called with True when too much is unread and with False when that is over.
    """

    def __init__(
        self, descriptor: int, offset: int, freeze: Callable[[bool], None], cap: int = CAP_BYTES
    ) -> None:
        self._descriptor = descriptor
        self._freeze = freeze
        self._cap = cap
        self._frozen = False
        self.offset = offset
        self.capped = offset > cap

    def read(self) -> bytes:
        """Return the next bytes, or nothing when all that is there was read.

        The one notice about the cap counts as output; after it the file is kept short and
        nothing more is read.
        """
        if self.capped:
            self._drop_rest()
            return b""
        data = os.pread(self._descriptor, min(READ_BYTES, self._cap - self.offset), self.offset)
        if data:
            self.offset += len(data)
        elif self.offset >= self._cap and self._size() > self._cap:
            self.capped = True
            self.offset += 1  # past the cap: whoever resumes here knows that the notice is out
            self._drop_rest()
            self.guard()
            return _notice(self._cap)
        if self._frozen:
            self.guard()
        return data

    def guard(self) -> None:
        """Freeze the step if too much is unread; let it go on when enough was read."""
        unread = 0 if self.capped else self._size() - self.offset
        if not self._frozen and unread > FREEZE_BYTES:
            self._frozen = True
            self._freeze(True)
        elif self._frozen and unread < THAW_BYTES:
            self._frozen = False
            self._freeze(False)

    def close(self) -> None:
        """Let go of the file, and of the step if it is held."""
        if self._frozen:
            self._frozen = False
            self._freeze(False)
        os.close(self._descriptor)

    def _size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def _drop_rest(self) -> None:
        # The step appends, so it goes on at the new end and the disk does not fill.
        if self._size() > self._cap + READ_BYTES:
            os.ftruncate(self._descriptor, self._cap)


def _notice(cap: int) -> bytes:
    size = f"{cap // MIB} MiB" if cap >= MIB else f"{cap} bytes"
    return f"\n[output past {size} is not kept; the step goes on]\n".encode()


class Guard:
    """Looks at the unread size again and again while its block is waiting."""

    __slots__ = ("_alarm", "_loop", "_output")

    def __init__(self, loop: asyncio.AbstractEventLoop, output: OutputFile) -> None:
        self._loop = loop
        self._output = output

    def __enter__(self) -> None:
        self._alarm = self._loop.call_later(GUARD_SECONDS, self._look)

    def __exit__(self, *_: object) -> None:
        self._alarm.cancel()

    def _look(self) -> None:
        self._output.guard()
        self.__enter__()
