"""Worlds of processes that are made before their job comes: one fits as well as another.

What takes longest at the begin of a job is what the kernel makes for it: namespaces and mounts, a
user's shell.  So one world waits, and two for as long as jobs come one after another.  It waits at
its gate, a pipe of ours: if we die, it ends.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from roundel.backends.ahead import Kind, folder_ahead, new_name
from roundel.backends.folder import JobFolder
from roundel.backends.former import IDENTITY
from roundel.backends.ground import Ground
from roundel.backends.process_world import World
from roundel.backends.processes import Identity, told
from roundel.backends.protocol import CannotOpen
from roundel.backends.users import user_of
from roundel.domain.records import dataclass

LOG = logging.getLogger("roundel.runner")
IN_A_ROW_SECONDS = 2.0  # jobs that begin within this time of each other come in a row
MOST = 2
# A world that is made at once would keep the job that has just come from its first step.  Where one
# job chases the next, all wait for processors more than for anything: then each world is made soon,
# and without the shells of a first step, which cost more than they save there.
_LATER_SECONDS = 0.01
_CHASE_SECONDS = 0.015
_SOON_SECONDS = 0.003


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spare:
    world: World
    supervisor: Identity
    gate: int
    stamp: bytes  # what `WorldsAhead.stamp` returned when it was made

    def open(self) -> None:
        """Let it live without us, for a job.  Raise OSError if it has ended."""
        os.write(self.gate, b"go\n")


class WorldsAhead:
    """Implements `protocol.Ahead`.  Jobs get users of their own where they may and `own_users`."""

    most = 0

    def __init__(self, ground: Ground, *, own_users: bool) -> None:
        self._ground = ground
        self._own_users = own_users
        self._home: Path | None = None
        self._spares: list[_Spare] = []
        self._names: set[str] = set()
        self._making = 0
        self._work: set[asyncio.Task[None]] = set()
        self._last = 0.0
        self.stamp: Callable[[], bytes] = stamp_of_the_machine  # another one: another world

    def serve(self, home: Path, free: Callable[[], int]) -> None:
        """Make one, and again whenever a job has taken one; slots do not matter."""
        del free
        self._home = home
        self._fill(1, with_shells=True)

    def names(self) -> set[str]:
        """Return those that are being made, kept or removed: whoever sweeps leaves them alone."""
        return set(self._names)

    def give(self, own: JobFolder, *, with_user: bool) -> tuple[World, Identity] | None:
        """Let the job of a folder have a world; None where there is none for it.

        Nothing is awaited on the way.  Raise OSError if it cannot be written down.
        """
        now = time.monotonic()
        since, self._last = now - self._last, now
        chase = since < _CHASE_SECONDS
        later = _SOON_SECONDS if chase else _LATER_SECONDS
        count = MOST if since < IN_A_ROW_SECONDS else 1
        asyncio.get_running_loop().call_later(later, self._fill, count, not chase)
        stamp = self.stamp() if self._spares else b""
        for spare in list(self._spares):
            if (spare.world.user is not None) is not with_user:
                continue
            self._spares.remove(spare)
            if (
                spare.stamp != stamp
                or not spare.supervisor.alive()
                or _met_a_full_disk(spare.world)
            ):
                self._spawn(self._removed(spare))
                continue
            try:
                own.make_room_for_secrets()
                spare.open()
                spare.supervisor.save(own.root / IDENTITY, spare.world.folder.execution)
            except OSError:
                self._spawn(self._removed(spare))
                raise
            os.close(spare.gate)
            self._names.discard(spare.world.folder.execution)
            return spare.world, spare.supervisor
        return None

    async def drop(self) -> None:
        """Remove what nobody took, and make no more."""
        self._home = None
        for spare in self._spares:
            self._spawn(self._removed(spare))
        self._spares.clear()
        while self._work:
            await asyncio.wait(set(self._work))

    # -- making and removing --

    def _fill(self, count: int, with_shells: bool) -> None:
        if self._home is None:
            return
        for _ in range(count - len(self._spares) - self._making):
            self._making += 1
            self._spawn(self._make(self._home, with_shells=with_shells))

    async def _make(self, home: Path, *, with_shells: bool) -> None:
        try:
            isolation, own_users = await self._ground.known()
        finally:
            self._making -= 1
        if self._home is None:
            return
        folder = folder_ahead(home, name := new_name(Kind.WORLD))
        user = user_of(folder.execution) if own_users and self._own_users else None
        world = World(folder=folder, home=home, isolation=isolation, user=user)
        self._names.add(name)
        try:
            self._spares.append(_started(world, self.stamp(), with_shells=with_shells))
        except (OSError, CannotOpen) as error:  # a job that comes will say so
            LOG.info("event=not_prepared: %s", error)
            await asyncio.to_thread(world.remove_files)
            self._names.discard(name)

    async def _removed(self, spare: _Spare) -> None:
        os.close(spare.gate)
        await spare.world.remove(spare.supervisor)
        self._names.discard(spare.world.folder.execution)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


def stamp_of_the_machine() -> bytes:
    """Return what a world keeps of this machine as it was: its mounts, its users and groups."""
    said = b""
    with contextlib.suppress(OSError):
        said = told("/proc/self/mountinfo")
        for table in ("/etc/passwd", "/etc/group"):
            said += b" %d" % os.stat(table).st_mtime_ns  # noqa: PTH116 each job asks
    return said


def _met_a_full_disk(world: World) -> bool:
    """Tell whether its first word needed the ballast: that would be held against the job."""
    try:
        return b"full" in told(f"{world.folder.job}/events")
    except OSError:
        return True


def _started(world: World, stamp: bytes, *, with_shells: bool) -> _Spare:
    inner, gate = os.pipe2(os.O_CLOEXEC)
    try:
        supervisor = world.start(inner, with_shells=with_shells)
        return _Spare(world=world, supervisor=supervisor, gate=gate, stamp=stamp)
    except BaseException:
        os.close(gate)
        raise
    finally:
        os.close(inner)


def given_to(root: Path) -> str:
    """Return the name of the spare that a job has; empty where its world is its own."""
    known = Identity.load(root / IDENTITY)
    return "" if known is None else known[1]
