"""Containers that are made and started ahead, for jobs that have not come yet.

Each has a job folder of its own (`backends/ahead.py`), and waits there with its supervisor.  It is
nobody's until a job's `containers` file names it, which is written last.
"""

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiodocker.containers import DockerContainer

from roundel.backends.ahead import folder_ahead, new_name, remove_folder_ahead
from roundel.backends.docker.connection import Connection
from roundel.backends.docker.containers import AHEAD_LABEL, labels_ahead
from roundel.backends.docker.faults import ENGINE_ERRORS
from roundel.backends.docker.making import Config, Recipe
from roundel.backends.folder import JobFolder
from roundel.backends.protocol import CannotOpen
from roundel.domain.ids import ExecutionId
from roundel.domain.records import dataclass
from roundel.domain.runners import JobOrder, NextContainer

LOG = logging.getLogger("roundel.runner")
SPARE_SECONDS = 30.0  # for which one is kept after the end of the job that it was made beside
MOST = 2
_FREE_BYTES = 256 * 1024 * 1024  # of disk and of memory; with less, jobs need it all
_NOWHERE = Path("/")

CONTAINERS = "containers"  # in a job's folder: its primary's id, and the name of its spare


def shape_of(recipe: Recipe) -> Config:
    """Return a config without what says whose container it is: equal ones can stand in."""
    return recipe(labels={}, job=_NOWHERE, launch=_NOWHERE)


def write_containers(root: Path, primary: str, ahead: str = "") -> None:
    """Write down that a job has its containers: from now on they are adopted."""
    draft = root / f"{CONTAINERS}.new"
    draft.write_text(f"{primary}\n{ahead}")
    draft.replace(root / CONTAINERS)


def given_to(root: Path) -> str:
    """Return the name of the spare that a job has; empty where its containers are its own."""
    try:
        return (root / CONTAINERS).read_text().partition("\n")[2]
    except FileNotFoundError:
        return ""


@dataclass(slots=True, kw_only=True)
class Spare:
    """A container that no job has yet.  It may be taken once `making` has ended well."""

    name: str
    wanted: NextContainer
    beside: ExecutionId
    home: Path
    shape: Config = field(default_factory=dict)
    container: DockerContainer | None = None
    started: str = ""  # when, and how long that took
    ready_at: float = 0.0
    ended: asyncio.Task[Any] | None = None
    making: asyncio.Task[None] | None = None
    promised: bool = False
    removal: asyncio.TimerHandle | None = None

    @property
    def folder(self) -> JobFolder:
        return folder_ahead(self.home, self.name)

    def how(self) -> str:
        """Return a line for "Spin up environment"."""
        waited = max(0.0, time.monotonic() - self.ready_at)
        return f"Prepared ahead: {self.started}, {waited:.2f} s before this job had it.\n"


class SparesAhead:
    """Implements `protocol.Ahead`.  `recipe_for` says how, None where it cannot be done ahead."""

    def __init__(
        self,
        connection: Connection,
        recipe_for: Callable[[NextContainer], Awaitable[Recipe | None]],
        *,
        most: int = MOST,
        seconds: float = SPARE_SECONDS,
    ) -> None:
        self.most = most
        self._connection = connection
        self._recipe_for = recipe_for
        self._seconds = seconds
        self.free: Callable[[], int] = lambda: 0
        self._spares: list[Spare] = []
        self._names: set[str] = set()
        self._work: set[asyncio.Task[None]] = set()

    def serve(self, home: Path, free: Callable[[], int]) -> None:
        """From now on there are slots; what is made is made beside a job."""
        del home
        self.free = free

    def names(self) -> set[str]:
        """Return those that are being made, kept or removed: whoever sweeps leaves them alone."""
        return set(self._names)

    def begin(self, order: JobOrder, home: Path) -> None:
        """Nothing is left to make for this job: begin what it knows of, where a slot is free."""
        # Those that jobs wait for already have the slots of these jobs.
        waiting = sum(not spare.promised for spare in self._spares)
        room = min(self.most, self.free()) - waiting
        if not order.next or room <= 0 or not _enough_is_free(home):
            return
        for wanted in order.next[:room]:
            name = new_name()
            spare = Spare(name=name, wanted=wanted, beside=order.lease.execution_id, home=home)
            self._names.add(name)
            self._spares.append(spare)
            spare.making = self._spawn(self._make(spare))

    def ends(self, execution: ExecutionId) -> None:
        """A job has ended, and what was made beside it is not kept for long."""
        for spare in self._spares:
            if spare.beside == execution:
                self._remove_later(spare)

    async def take(self, order: JobOrder, recipe: Recipe, home: Path) -> Spare | None:
        """Return one that a job can have, None where there is none.  It is the job's by `given`.

        One that is being made is waited for: it was begun before another could be.
        """
        plan = order.executor.images[0]
        wanted = NextContainer(
            image=plan.image, user=plan.user, resource_class=order.resource_class
        )
        shape = shape_of(recipe)
        for spare in list(self._spares):
            if spare.wanted != wanted or spare.promised or spare.making is None:
                continue
            spare.promised = True
            self.begin(order, home)
            try:
                await asyncio.wait([spare.making])
            except asyncio.CancelledError:
                self._keep(spare)
                raise
            alive = spare.ended is not None and not spare.ended.done()
            if not alive or spare.shape["Image"] != shape["Image"]:
                self._remove(spare)  # it ended, or its image's name stands for another one now
            elif spare.shape == shape:
                return spare
            else:
                self._keep(spare)
        return None

    def given(self, spare: Spare) -> None:
        """A job has it now, and its removal is that job's."""
        self._spares.remove(spare)
        self._names.discard(spare.name)
        if spare.removal is not None:
            spare.removal.cancel()

    def given_back(self, spare: Spare) -> None:
        """The job could not have it after all."""
        self._remove(spare)

    async def drop(self) -> None:
        """Remove all but those that a job is about to have."""
        for spare in [each for each in self._spares if not each.promised]:
            self._remove(spare)
        while self._work:
            await asyncio.wait(set(self._work))

    # -- making and removing --

    async def _make(self, spare: Spare) -> None:
        try:
            await self._bring_up(spare)
        except (*ENGINE_ERRORS, CannotOpen) as error:
            LOG.info("event=not_prepared image=%s: %s", spare.wanted.image, error)
        finally:
            if spare.ended is None:
                self._remove(spare)

    async def _bring_up(self, spare: Spare) -> None:
        recipe = await self._recipe_for(spare.wanted)
        if recipe is None:
            return
        spare.shape = shape_of(recipe)
        began = time.monotonic()
        folder = spare.folder
        folder.make()
        spare.container = await self._connection.engine.containers.create(
            recipe(
                labels=labels_ahead(spare.name, spare.home), job=folder.job, launch=folder.secrets
            )
        )
        at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        await spare.container.start()
        spare.ready_at = time.monotonic()
        spare.started = f"started at {at} in {spare.ready_at - began:.2f} s"
        spare.ended = asyncio.create_task(spare.container.wait())

        def over(ended: asyncio.Task[Any]) -> None:
            if not ended.cancelled():
                ended.exception()  # looked at: an engine that went away is no news of ours
            self._remove(spare)

        spare.ended.add_done_callback(over)

    def _keep(self, spare: Spare) -> None:
        """Keep one that was promised for the next job, for as long as after an end."""
        spare.promised = False
        self._remove_later(spare)

    def _remove_later(self, spare: Spare) -> None:
        loop = asyncio.get_running_loop()
        if spare.removal is not None:
            spare.removal.cancel()
        spare.removal = loop.call_later(self._seconds, self._remove_unless_promised, spare)

    def _remove_unless_promised(self, spare: Spare) -> None:
        if not spare.promised:
            self._remove(spare)

    def _remove(self, spare: Spare) -> None:
        """Begin to remove one, unless that has begun or a job has it."""
        if spare in self._spares:
            self._spares.remove(spare)
            self._spawn(self._removed(spare))

    async def _removed(self, spare: Spare) -> None:
        # One whose making is cut off would come to be after its removal.
        if spare.making is not None:
            await asyncio.wait([spare.making])
        if spare.removal is not None:
            spare.removal.cancel()
        if spare.ended is not None:
            spare.ended.cancel()
        if spare.shape:  # else none was asked for
            labels = labels_ahead(spare.name, spare.home)
            made = spare.container
            known = None if made is None else [{"Id": made.id, "Labels": labels}]
            await self._connection.remove_with(f"{AHEAD_LABEL}={spare.name}", known)
        await asyncio.to_thread(remove_folder_ahead, spare.home, spare.name)
        self._names.discard(spare.name)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task


def _enough_is_free(home: Path) -> bool:
    """Tell whether disk and memory are there for a container that may come to nothing."""
    with contextlib.suppress(OSError, ValueError):
        if shutil.disk_usage(home).free < _FREE_BYTES:
            return False
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024 >= _FREE_BYTES
    return True  # a system that does not say
