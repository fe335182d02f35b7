"""One attempt at one step."""

import asyncio

from roundel.backends.protocol import Exit, Output, Sandbox, StepOrder
from roundel.domain.records import dataclass
from roundel.domain.runners import StepStatus
from roundel.runner.durations import shown
from roundel.runner.ship import StepStream
from roundel.runner.steps.plan import Process, StepFailed, SurroundingsFailed

OUT_OF_MEMORY = (
    "The step was killed because the job ran out of memory: use less, or a larger resource_class."
)
DISK_FULL = "The disk of the machine that ran this step is full: make room there, and run it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended; `said` is ours and goes to the end of its output."""

    status: StepStatus
    code: int | None = None
    message: str | None = None
    said: str | None = None


class Trial:
    """Runs a step's process, and ends it when it is silent for too long."""

    def __init__(self, index: int, process: Process, sandbox: Sandbox) -> None:
        self._index = index
        self._process = process
        self._sandbox = sandbox

    async def run(self, stream: StepStream, *, from_offset: int) -> Outcome:
        """Run it to its end.  Raise SandboxLost; a cancellation ends the step and is let out."""
        process = self._process
        if process.prepare is not None and from_offset == 0:
            try:
                await process.prepare(self._index)
            except StepFailed as error:
                ours = isinstance(error, SurroundingsFailed)
                status = StepStatus.INFRASTRUCTURE_FAIL if ours else StepStatus.FAILED
                return Outcome(status=status, message=str(error), said=f"{error}\n")
        limit = process.no_output_seconds
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None if process.background else limit) as silence:

                async def out(data: bytes, source_end: int) -> None:
                    await stream(data, source_end)
                    if not process.background and not silence.expired():
                        silence.reschedule(loop.time() + limit)

                end = await self._run(stream, out, from_offset)
        except TimeoutError:
            message = (
                f"Too long with no output (exceeded {shown(limit)}): context deadline exceeded"
            )
            return Outcome(status=StepStatus.TIMEDOUT, message=message, said=f"\n{message}\n")
        if end.oom:
            return Outcome(
                status=StepStatus.FAILED,
                code=end.code,
                message=OUT_OF_MEMORY,
                said=f"\n{OUT_OF_MEMORY}\n",
            )
        if end.disk_full:
            return Outcome(
                status=StepStatus.INFRASTRUCTURE_FAIL,
                code=end.code,
                message=DISK_FULL,
                said=f"\n{DISK_FULL}\n",
            )
        if end.code == 0:
            return Outcome(status=StepStatus.SUCCESS, code=0)
        return Outcome(
            status=StepStatus.FAILED,
            code=end.code,
            said=f"\nExited with code exit status {end.code}\n",
        )

    async def _run(self, stream: StepStream, out: Output, from_offset: int) -> Exit:
        """Run the process, with the runner's part beside it for as long as it lasts."""
        run = self._sandbox.run(self._order(), out, from_offset=from_offset)
        if self._process.beside is None:
            return await run
        running = asyncio.create_task(run)
        beside = asyncio.create_task(self._process.beside(self._index, stream.say))
        try:
            await asyncio.wait([running, beside], return_when=asyncio.FIRST_COMPLETED)
            if not running.done() and beside.done() and beside.exception() is not None:
                await beside  # raises: without it the process would wait for ever
            return await running
        finally:
            for task in (beside, running):
                task.cancel()
            await asyncio.gather(beside, running, return_exceptions=True)

    def _order(self) -> StepOrder:
        process = self._process
        return StepOrder(
            index=self._index,
            script=process.script,
            argv=process.argv,
            cwd=process.cwd,
            environment=process.environment,
            background=process.background,
        )
