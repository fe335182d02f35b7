"""The runner: claims jobs while slots are free, and goes on with what an earlier one left."""

import asyncio
import contextlib
import fcntl
import logging
import os
import shutil
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path

from roundel.backends.folder import JobFolder, remove_orphaned_secrets
from roundel.backends.former import Former
from roundel.backends.protocol import Backend
from roundel.domain.clock import Clock
from roundel.domain.errors import DomainError
from roundel.domain.ids import ExecutionId, RunnerId, new_id
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.runners import JobOrder, Lease, Offer, Result, StepProgress
from roundel.domain.storage import KeepingServer
from roundel.runner.asking import Asking
from roundel.runner.attending import Attendant
from roundel.runner.claimed import Claimed, load_lease, remains_of, save_lease
from roundel.runner.lease import persistently

LOG = logging.getLogger("roundel.runner")
SWEEP_SECONDS = 3600.0
ROOM_BYTES = 1024 * 1024  # with less free, not even a job's own files fit
ROOM_SECONDS = 0.5
CLEAN_UP_SECONDS = 15.0  # for jobs that are being removed when the runner is told to leave


class CannotRun(DomainError):
    """This runner cannot start; `str()` says why and what to do."""


class Runner:
    """One per process and folder.  `run` until `stop`."""

    def __init__(
        self,
        server: KeepingServer,
        backend: Backend,
        *,
        folder: Path,
        clock: Clock,
        slots: int = 1,
        resource_classes: Sequence[str] = (),
        executors: Sequence[str] = ("docker", "machine"),
        claim_wait_seconds: float = 20.0,
        runner_id: RunnerId | None = None,
        attendant: Attendant | None = None,
        former: Former | None = None,
    ) -> None:
        self._server = server
        self._backend = backend
        self._folder = folder.absolute()
        self._jobs_home = self._folder / "jobs"
        self._clock = clock
        self._slots = slots
        self._classes = tuple(resource_classes)
        self._executors = tuple(executors)
        self._wait = claim_wait_seconds
        self._runner_id = runner_id
        self._attendant = attendant
        self._former = former
        self._running: dict[ExecutionId, Claimed] = {}
        # A sweep looks at this set while it goes on, so that it never meets a job it does not know.
        self._alive: set[ExecutionId] = set()
        self._found: set[ExecutionId] = set()  # what an earlier runner had, at our start
        self._tasks: set[asyncio.Task[None]] = set()
        self._claiming: asyncio.Task[None] | None = None
        self._freed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._leaving = False

    @property
    def busy(self) -> int:
        """How many slots are taken.

        A job whose end was told is only being removed.  That takes no slot, unless so many are
        being removed that the machine falls behind.
        """
        removing = sum(job.told for job in self._running.values())
        return len(self._tasks) - min(removing, self._slots)

    async def run(self) -> None:
        """Serve until `stop`.  Raise CannotRun if jobs cannot run here at all.

        Cancelled, it leaves at once, as after `stop(0)`.
        """
        self._jobs_home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            try:
                await self._serve()
            finally:
                await self._backend.close()

    async def _serve(self) -> None:
        if why := await self._backend.why_unusable():
            raise CannotRun(why)
        if self._runner_id is None:
            self._runner_id = _runner_id(self._folder)
        if self._backend.ahead is not None:
            self._backend.ahead.serve(self._jobs_home, self._free)
        await self._resume_all()
        sweeping = asyncio.create_task(self._sweep_regularly())
        self._claiming = asyncio.create_task(self._claim_until_stopped())
        try:
            await self._until_stopped(self._claiming)
        finally:
            self._claiming.cancel()
            sweeping.cancel()
            await asyncio.gather(self._claiming, sweeping, return_exceptions=True)
            await asyncio.shield(self._hand_over())

    async def stop(self, grace_seconds: float) -> None:
        """Claim nothing more, wait for running jobs, then leave the rest for adoption.

        `run` returns when this is done.  May be said twice; the shorter grace counts.
        """
        self._leaving = True
        if self._claiming is not None:
            self._claiming.cancel()
        if grace_seconds > 0:
            tasks = set(self._tasks)
            if self._backend.ahead is not None:
                tasks.add(asyncio.create_task(self._backend.ahead.drop()))
            if tasks:
                await asyncio.wait(tasks, timeout=grace_seconds)
        self._stopping.set()

    # -- claiming --

    async def _claim_until_stopped(self) -> None:
        runner_id = self._runner_id
        assert runner_id is not None  # noqa: S101 set before this task is made
        holds = frozenset(self._found)
        await persistently("settle", lambda: self._server.settle(runner_id, holds))
        offer = Offer(
            runner_id=runner_id,
            resource_classes=self._classes,
            executors=self._executors,
            wait_seconds=self._wait,
            ahead=0 if self._backend.ahead is None else self._backend.ahead.most,
        )
        asking = Asking(self._server, offer, self._holds, self._take)
        while True:
            while self.busy >= self._slots:
                self._freed.clear()
                await self._freed.wait()
            await self._until_there_is_room()
            await asking.ask(self._slots - self.busy)

    async def _until_there_is_room(self) -> None:
        """Wait for the disk: a job that is claimed without room for its files would only fail."""
        said = False
        while shutil.disk_usage(self._folder).free < ROOM_BYTES:
            if not said:
                LOG.error("event=disk_full folder=%s: jobs wait for room there", self._folder)
            said = True
            await asyncio.sleep(ROOM_SECONDS)  # nobody tells when files are removed

    async def _decline(self, order: JobOrder, why: str) -> None:
        result = Result(status=ExecutionStatus.INFRASTRUCTURE_FAIL, message=why)
        with contextlib.suppress(DomainError):
            await persistently("finish", lambda: self._server.finish(order.lease, result))

    def _holds(self) -> frozenset[ExecutionId]:
        return frozenset({*self._found, *self._running})

    async def _take(self, order: JobOrder) -> None:
        try:
            self._start(order)
        except OSError as error:
            await self._decline(order, f"The runner cannot keep this job: {error.strerror}.")

    async def _until_stopped(self, claiming: asyncio.Task[None]) -> None:
        """Wait for `stop`.  A server that refuses us (a revoked token, say) ends the runner."""
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([claiming, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not claiming.cancelled() and claiming.done():
                raise CannotRun(f"The server refuses this runner: {claiming.exception()}")
            await stopping
        finally:
            stopping.cancel()

    def _start(self, order: JobOrder, past: tuple[StepProgress, ...] = ()) -> None:
        """Run an order in a task of its own; the slot is free again when that ends."""
        execution = order.lease.execution_id
        folder = self._jobs_home / execution
        save_lease(folder, order.lease)
        job = Claimed(self._server, self._backend, self._clock, order, folder, past)
        job.attendant = self._attendant
        job.on_told = self._freed.set
        self._running[execution] = job
        self._own(job.run(), execution)

    def _free(self) -> int:
        """Return how many slots have nothing to do, and may have soon."""
        return 0 if self._leaving else self._slots - self.busy

    def _own(self, work: Coroutine[None, None, None], execution: ExecutionId) -> None:
        self._alive.add(execution)
        task = asyncio.create_task(work, name=f"job {execution}")
        self._tasks.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._running.pop(execution, None)
            self._alive.discard(execution)
            self._freed.set()
            if not task.cancelled() and (error := task.exception()) is not None:
                LOG.error("event=job_broke execution=%s", execution, exc_info=error)

        task.add_done_callback(done)

    # -- what an earlier runner left --

    async def _resume_all(self) -> None:
        """Go on with every execution whose folder is here, even where slots are fewer now."""
        for folder in remains_of(self._jobs_home):
            lease = load_lease(folder)
            if lease is None or lease.execution_id != folder.name:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
                continue
            self._found.add(lease.execution_id)
            self._own(self._resume(lease, folder), lease.execution_id)

    async def _resume(self, lease: Lease, folder: Path) -> None:
        resumed = await persistently("resume", lambda: self._server.resume(lease))
        if resumed is None:
            self._alive.discard(lease.execution_id)
            await self._backend.sweep(self._jobs_home, self._alive)
            await asyncio.to_thread(_remove, folder, lease.execution_id)
            return
        job = Claimed(
            self._server, self._backend, self._clock, resumed.order, folder, resumed.steps
        )
        job.on_told = self._freed.set
        self._running[lease.execution_id] = job
        await job.run()

    async def _sweep_regularly(self) -> None:
        while True:
            with contextlib.suppress(Exception):  # the next round tries again
                swept = await self._backend.sweep(self._jobs_home, self._alive)
                if self._former is not None:
                    swept += await self._former.sweep(self._jobs_home)
                if swept:
                    LOG.warning("event=swept count=%d: removed what dead runners left", swept)
            await asyncio.to_thread(remove_orphaned_secrets)
            await asyncio.sleep(SWEEP_SECONDS)

    # -- leaving --

    async def _hand_over(self) -> None:
        for job in list(self._running.values()):
            job.hand_over()
        tasks = set(self._tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLEAN_UP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep a second runner out of this folder."""
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise CannotRun(
                    f"Another runner uses the folder {self._folder}: stop it, or give this one "
                    "a folder of its own."
                ) from error
            yield
        finally:
            os.close(descriptor)


def known_runner(folder: Path) -> RunnerId | None:
    """Return the id of the runner that had this folder last; None for a new folder."""
    with contextlib.suppress(FileNotFoundError):
        if text := (folder / "runner-id").read_text().strip():
            return RunnerId(text)
    return None


def _runner_id(folder: Path) -> RunnerId:
    """Return this folder's runner id; it stays the same, so that leases can be taken up again."""
    known = known_runner(folder)
    if known is not None:
        return known
    runner_id = RunnerId(new_id())
    (folder / "runner-id").write_text(runner_id)
    return runner_id


def _remove(folder: Path, execution: ExecutionId) -> None:
    JobFolder(folder, execution).remove()
    shutil.rmtree(folder, ignore_errors=True)
