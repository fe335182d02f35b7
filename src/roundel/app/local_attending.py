"""What a local run does at its jobs: breaks before steps, shells in failed jobs."""

import asyncio
import contextlib
from collections.abc import Mapping

from roundel.app.local_desk import Desk
from roundel.app.local_events import Audience, Note
from roundel.app.local_snapshots import Snapshots
from roundel.backends.protocol import Sandbox
from roundel.domain.ids import JobId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import StepPlan
from roundel.domain.runners import JobOrder, Result

NO_WAY_IN = (
    "there is no way into the job {job} from here: shells need the program docker or podman for"
    " containers, and nsenter for processes"
)


class Attending:
    """Implements `runner.attending.Attendant`: gives shells, and holds failed jobs for them.

    With `hold` set, a failed job's sandbox stays until `release`, the newest `most` of them.
    """

    def __init__(
        self,
        audience: Audience,
        desk: Desk | None,
        *,
        breaks: tuple[tuple[str, str], ...] = (),
        shell_on_failure: bool = False,
        hold: bool = False,
        most: int = 1,
        snapshots: Snapshots | None = None,
        every_step: bool = False,
    ) -> None:
        self._audience = audience
        self._desk = desk
        self._breaks = breaks
        self._shell_on_failure = shell_on_failure
        self._hold = hold
        self._most = max(1, most)
        self._snapshots = snapshots
        self._every_step = every_step
        self._open: dict[JobId, tuple[JobOrder, Sandbox]] = {}
        self._held: dict[JobId, asyncio.Event] = {}
        self._leaving = asyncio.Event()

    async def opened(self, order: JobOrder, sandbox: Sandbox) -> None:
        """Remember the way in."""
        self._open[order.job_id] = (order, sandbox)
        if self._snapshots is not None:
            await self._snapshots.restore(order, sandbox)

    async def before(
        self, order: JobOrder, step: StepPlan, environment: dict[str, str], sandbox: Sandbox
    ) -> None:
        """Keep the files where that was asked for, and give a shell where one was."""
        if self._every_step:
            await self._save(order, step, sandbox, cheaply=False)
        for job, name in self._breaks:
            if job == order.job_name and name in (step.name, step.kind):
                self.note(f'{job}: a shell before the step "{step.name}"; leave it to go on')
                await self._shell(order, sandbox, environment)

    async def failed(self, order: JobOrder, step: StepPlan, sandbox: Sandbox) -> None:
        """Keep the files as the step has left them, where that costs little."""
        if not self._every_step:
            await self._save(order, step, sandbox, cheaply=True)

    async def _save(
        self, order: JobOrder, step: StepPlan, sandbox: Sandbox, *, cheaply: bool
    ) -> None:
        if self._snapshots is None:
            return
        try:
            await self._snapshots.keep(order, step, sandbox, cheaply=cheaply)
        except OSError as error:
            self.note(f"{order.job_name}: its files are not kept: {error}")

    async def ending(self, order: JobOrder, result: Result, sandbox: Sandbox) -> None:
        """Give a shell in a job that failed, if one is to be given in each."""
        if self._shell_on_failure and self._failed(result):
            self.note(f"{order.job_name}: {result.message}; a shell in the failed job")
            await self._shell(order, sandbox, {})

    async def ended(self, order: JobOrder, result: Result, _sandbox: Sandbox) -> None:
        """Hold a job that failed as long as somebody may want to look into it."""
        try:
            if self._hold and self._failed(result):
                await self._keep(order.job_id)
        finally:
            self._open.pop(order.job_id, None)

    def _failed(self, result: Result) -> bool:
        good = result.status in (ExecutionStatus.SUCCESS, ExecutionStatus.CANCELED)
        return not good and not self._leaving.is_set()

    async def shell(self, job: JobId) -> bool:
        """Give a shell in a job that is open; return whether it is."""
        if job not in self._open:
            return False
        order, sandbox = self._open[job]
        await self._shell(order, sandbox, {})
        return True

    def release(self, job: JobId | None = None) -> None:
        """Hold this failed job no longer; without one, hold none any more."""
        if job is None:
            self._leaving.set()
        for held in [job] if job is not None else list(self._held):
            if held in self._held:
                self._held[held].set()

    async def _keep(self, job: JobId) -> None:
        while len(self._held) >= self._most:
            oldest = next(iter(self._held))
            self._held.pop(oldest).set()
        released = self._held[job] = asyncio.Event()
        try:
            await released.wait()
        finally:
            if self._held.get(job) is released:
                del self._held[job]

    async def _shell(
        self, order: JobOrder, sandbox: Sandbox, environment: Mapping[str, str]
    ) -> None:
        """Run a shell until it is left.  When the run is ended meanwhile, so is the shell."""
        command = sandbox.terminal(environment)
        if command is None:
            self.note(NO_WAY_IN.format(job=order.job_name))
            return
        if self._desk is None:
            self.note(f"{order.job_name}: there is no terminal for a shell")
            return
        async with self._desk.lend():
            process = await asyncio.create_subprocess_exec(*command)
            leaving = asyncio.create_task(self._leaving.wait())
            ending = asyncio.create_task(process.wait())
            try:
                await asyncio.wait([leaving, ending], return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                await ending

    def note(self, text: str) -> None:
        """Tell something to whoever watches."""
        self._audience.hear(Note(text=text))
