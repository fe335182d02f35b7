"""A claimed execution: its folder, its lease, its sandbox, and what becomes of all three."""

import asyncio
import contextlib
import json
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from roundel.backends.folder import AHEAD, JobFolder
from roundel.backends.protocol import Backend, CannotOpen, Sandbox, SandboxLost
from roundel.domain.clock import Clock
from roundel.domain.errors import LeaseLost
from roundel.domain.ids import ExecutionId, RunnerId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.runners import (
    JobOrder,
    Lease,
    Result,
    Secret,
    StepProgress,
    StepStatus,
)
from roundel.domain.storage import KeepingServer
from roundel.runner.attending import Attendant
from roundel.runner.job import JobRun
from roundel.runner.lease import HeldLease
from roundel.runner.opening import environment_of
from roundel.runner.shells import JobShells
from roundel.runner.ship import Shipper
from roundel.runner.storing import HeldStorage
from roundel.vault.masking import Forms

LOG = logging.getLogger("roundel.runner")
_CANCELED = Result(status=ExecutionStatus.CANCELED)


def save_lease(folder: Path, lease: Lease) -> None:
    """Make the execution's folder and write down whose it is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / "lease.new"
    draft.write_text(json.dumps([lease.execution_id, lease.runner_id, lease.fence]))
    draft.replace(folder / "lease.json")


def load_lease(folder: Path) -> Lease | None:
    """Return what `save_lease` wrote, or None."""
    try:
        execution, runner, fence = json.loads((folder / "lease.json").read_text())
    except (OSError, ValueError):
        return None
    return Lease(execution_id=ExecutionId(execution), runner_id=RunnerId(runner), fence=int(fence))


class Claimed:
    """Runs one execution from its order, or from where an earlier runner left it."""

    def __init__(
        self,
        server: KeepingServer,
        backend: Backend,
        clock: Clock,
        order: JobOrder,
        folder: Path,
        past: tuple[StepProgress, ...] = (),
    ) -> None:
        self._backend = backend
        self._order = replace(order, environment=environment_of(order))
        self._folder = folder
        self._held = HeldLease(server, order.lease)
        self._files = JobFolder(folder, order.lease.execution_id)
        self._forms = Forms([*_secrets_of(order), *self._files.remembered_secrets()])
        self._shipper = Shipper(self._held, self._forms, clock)
        self._clock = clock
        storage = HeldStorage(self._held, server)
        self._job = JobRun(order, past, self._shipper, clock, storage, self._hide)
        self._shells = JobShells(server, order.lease, self._forms)
        self._sandbox: Sandbox | None = None
        self._handing_over = asyncio.Event()
        self._telling = False
        self._watching: asyncio.Task[None] | None = None
        self._told = False
        self.on_told: Callable[[], None] = lambda: None
        self.attendant: Attendant | None = None

    @property
    def told(self) -> bool:
        """Whether the server knows the end, so that only clean-up is left."""
        return self._told

    def hand_over(self) -> None:
        """Stop here and leave what runs inside running: another runner will adopt it."""
        if not self._told:
            if self._sandbox is not None:
                self._sandbox.keep()
            self._handing_over.set()

    def _hide(self, secret: Secret) -> None:
        """Hide what the job is about to learn, here and in a runner that comes after us."""
        self._forms.add(secret)
        self._files.remember_secret(secret)

    async def run(self) -> None:
        """Run it to its end.  Nothing is raised: an end of ours is told to the server."""
        self._watching = asyncio.create_task(self._held.watch(self._shells.called))
        aides = [
            asyncio.create_task(self._held.renew_regularly()),
            self._watching,
            asyncio.create_task(self._ship()),
        ]
        try:
            await self._to_the_end()
        finally:
            for aide in aides:
                aide.cancel()
            await asyncio.gather(*aides, self._shells.gone(), return_exceptions=True)
        if not self._handing_over.is_set():
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def _to_the_end(self) -> None:
        work = asyncio.create_task(self._work())
        stops = [
            asyncio.create_task(self._held.stop.wait()),
            asyncio.create_task(self._handing_over.wait()),
        ]
        await asyncio.wait([work, *stops], return_when=asyncio.FIRST_COMPLETED)
        for stop in stops:
            stop.cancel()
        # Once the end is told there is only clean-up left, and that is not to be cut short.
        if not self._told and (self._handing_over.is_set() or not self._telling):
            work.cancel()
        try:
            await work
        except asyncio.CancelledError:
            if self._handing_over.is_set():
                return
            await self._job.abandon(StepStatus.CANCELED, "The job was canceled.")
            await self._finish(_CANCELED)
        except Exception as error:
            LOG.exception("event=job_broke execution=%s", self._order.lease.execution_id)
            why = f"The runner failed: {type(error).__name__}: {error}"
            await self._job.abandon(StepStatus.INFRASTRUCTURE_FAIL, why)
            await self._finish(Result(status=ExecutionStatus.INFRASTRUCTURE_FAIL, message=why))

    async def _work(self) -> None:
        """Open, run, tell the end, and only then leave (which removes all of it)."""
        self._job.spin_up()
        try:
            async with self._backend.open(self._order, self._folder) as sandbox:
                self._sandbox = sandbox
                await sandbox.facts()  # only now it is up
                self._job.spun_up(sandbox.opened_how)
                if self.attendant is not None:
                    await self.attendant.opened(self._order, sandbox)
                    self._job.attendant = self.attendant
                self._shells.open(sandbox)
                try:
                    result = await self._measured(sandbox)
                finally:
                    self._shells.close()
                if self.attendant is not None:
                    await self.attendant.ending(self._order, result, sandbox)
                await self._finish(result)
                await self._shells.gone()
                if self.attendant is not None:
                    await self.attendant.ended(self._order, result, sandbox)
        except CannotOpen as error:
            result = await self._job.not_spun_up(str(error), infrastructure=error.infrastructure)
            await self._finish(result)
        except SandboxLost as error:
            why = f"The job's environment was lost: {error}."
            await self._job.abandon(StepStatus.INFRASTRUCTURE_FAIL, why)
            await self._finish(Result(status=ExecutionStatus.INFRASTRUCTURE_FAIL, message=why))

    async def _measured(self, sandbox: Sandbox) -> Result:
        """Run the steps, and look now and then what they use."""
        measuring = asyncio.create_task(self._held.meter.run(sandbox, self._clock))
        try:
            result = await self._job.run(sandbox)
        finally:
            measuring.cancel()
            await asyncio.gather(measuring, return_exceptions=True)
        await self._held.meter.last(sandbox, self._clock)
        return result

    async def _finish(self, result: Result) -> None:
        """Tell the end together with what was not told yet."""
        rest = await self._shipper.rest()
        self._telling = True  # from here on a cancellation comes too late
        if self._watching is not None:
            self._watching.cancel()  # the end would wake it, and it would ask once more
        await self._held.end(rest, result)
        self._told = True
        self.on_told()

    async def _ship(self) -> None:
        with contextlib.suppress(LeaseLost):
            await self._shipper.run()
        self._shipper.give_up()


def _secrets_of(order: JobOrder) -> tuple[Secret, ...]:
    checkout = order.checkout.secrets if order.checkout is not None else ()
    return order.masks + checkout + tuple(key.private_key for key in order.ssh_keys or ())


def remains_of(home: Path) -> list[Path]:
    """Return the folders of executions that an earlier runner has left here."""
    if not home.is_dir():
        return []
    return sorted(
        Path(entry.path)
        for entry in os.scandir(home)
        if entry.is_dir(follow_symlinks=False) and entry.name != AHEAD
    )
