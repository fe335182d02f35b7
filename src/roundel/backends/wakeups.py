"""Being woken when a job's folder changes: inotify where there is one, a slow timer as well.

A wake-up is a hint.  Whoever is woken reads the files; a lost one costs a second, never a byte.
"""

import asyncio
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path

POLL_SECONDS = 1.0  # where inotify works this is only a net under it
POLL_SECONDS_ALONE = 0.05  # without inotify it is all there is
_HEADER = struct.Struct("iIII")
_READ_BYTES = 64 * 1024


class Bell:
    """Something to wait for that many may ring.  A ring while nobody waits is kept."""

    __slots__ = ("_rung", "_waiter")

    def __init__(self) -> None:
        self._rung = False
        self._waiter: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wake the one who waits, or let the next one pass at once."""
        self._rung = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, at_most: float) -> None:
        """Return at the next ring, or after `at_most` seconds."""
        if not self._rung:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            alarm = loop.call_later(at_most, self.ring)
            try:
                await self._waiter
            finally:
                alarm.cancel()
                self._waiter = None
        self._rung = False


class Wakeups:
    """One inotify descriptor for all jobs of a runner (the kernel allows only few per user)."""

    def __init__(self) -> None:
        self._bells: dict[int, list[Callable[[], None]]] = {}
        self._inotify = None
        if sys.platform == "linux":
            from roundel.backends.inotify import Inotify

            try:
                self._inotify = Inotify()
            except OSError:  # out of instances: then polling has to do
                self._inotify = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def poll_seconds(self) -> float:
        """How long a reader may wait before it looks by itself."""
        return POLL_SECONDS if self._inotify is not None else POLL_SECONDS_ALONE

    def watch(self, folder: Path, ring: Callable[[], None]) -> Callable[[], None]:
        """Call `ring` whenever a file in `folder` was written; return the way to stop it."""
        if self._inotify is None:
            return lambda: None
        self._listen()
        watch = self._inotify.watch(folder)
        self._bells.setdefault(watch, []).append(ring)

        def stop() -> None:
            rings = self._bells.get(watch, [])
            if ring in rings:
                rings.remove(ring)
            if not rings and self._bells.pop(watch, None) is not None and self._inotify:
                # The kernel drops the watch itself when the folder is gone.
                try:
                    self._inotify.forget(watch)
                except OSError:
                    return

        return stop

    def close(self) -> None:
        """Give the descriptor back."""
        if self._inotify is not None:
            if self._loop is not None and not self._loop.is_closed():
                self._loop.remove_reader(self._inotify.fd)
            self._inotify.close()
            self._inotify = None

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop and self._inotify is not None:
            self._loop = loop
            loop.add_reader(self._inotify.fd, self._drain)

    def _drain(self) -> None:
        # Only the watch's number is of interest, so the events are not made into objects.
        if self._inotify is None:
            return
        try:
            data = os.read(self._inotify.fd, _READ_BYTES)
        except BlockingIOError:
            return
        seen: set[int] = set()
        at = 0
        while at < len(data):
            wd, _mask, _cookie, name_length = _HEADER.unpack_from(data, at)
            seen.add(wd)
            at += _HEADER.size + name_length
        # -1 means that the kernel's queue ran over: then everyone looks.
        wake = list(self._bells) if -1 in seen else seen
        for wd in wake:
            for ring in list(self._bells.get(wd, ())):
                ring()
