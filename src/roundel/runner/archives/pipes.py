"""FIFOs between the runner and what runs in a job, used from a thread of their own.

All waiting is cut into slices, so that a thread never outlives the transfer that it works for.
"""

import contextlib
import errno
import fcntl
import os
import select
import threading
import time
from collections.abc import Sequence
from types import TracebackType

from roundel.backends.hostile import open_fifo
from roundel.runner.archives.scan import Buffer

PIPE_BYTES = 1024 * 1024  # what Linux allows without privilege; the default is 64 KiB
_SLICE_MS = 100
_RETRY_SECONDS = 0.005
_IOV_MAX = 1024


class Stopped(Exception):
    """The transfer was called off, or the other side went away."""


class Pipe:
    """One end of a FIFO.  `stop` may be called from any thread and ends every wait."""

    def __init__(self, descriptor: int, event: int) -> None:
        self._descriptor = descriptor
        self._stopped = threading.Event()
        self._poll = select.poll()
        self._poll.register(descriptor, event)
        with contextlib.suppress(OSError):  # a system without it, or above the user's limit
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def __enter__(self) -> "Pipe":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def stop(self) -> None:
        """End all waits with Stopped."""
        self._stopped.set()

    def close(self) -> None:
        """Close the end; may be said twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def read(self) -> bytes:
        """Return what has come, waiting for something; nothing at the end."""
        while True:
            self._wait()
            try:
                return os.read(self._descriptor, PIPE_BYTES)
            except BlockingIOError:
                continue

    def write(self, parts: Sequence[Buffer]) -> None:
        """Write all of `parts`."""
        left = [memoryview(part) for part in parts if len(part)]
        while left:
            self._wait()
            try:
                written = os.writev(self._descriptor, left[:_IOV_MAX])
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                raise Stopped("the reader is gone") from error
            while left and written >= len(left[0]):
                written -= len(left.pop(0))
            if left and written:
                left[0] = left[0][written:]

    def _wait(self) -> None:
        while not self._poll.poll(_SLICE_MS):
            if self._stopped.is_set():
                raise Stopped("called off")
        if self._stopped.is_set():
            raise Stopped("called off")


def reading_end(path: str | os.PathLike[str]) -> Pipe:
    """Open a FIFO for reading; the first read waits until somebody writes."""
    return Pipe(open_fifo(path, os.O_RDONLY), select.POLLIN)


def writing_end(path: str | os.PathLike[str], stopped: threading.Event) -> Pipe:
    """Open a FIFO for writing as soon as somebody reads; blocks until then."""
    while True:
        try:
            descriptor = open_fifo(path, os.O_WRONLY)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if stopped.is_set():
                raise Stopped("called off before anybody read") from error
            # There is no call that waits for a reader and can be stopped.
            time.sleep(_RETRY_SECONDS)
        else:
            return Pipe(descriptor, select.POLLOUT)
