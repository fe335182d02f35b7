"""One job from its order to its end: steps in their order, each result told to the server."""

import asyncio
from collections.abc import Callable

from roundel.backends.protocol import Sandbox, SandboxLost
from roundel.domain.clock import SECOND, Clock
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import StepPlan, When
from roundel.domain.records import dataclass
from roundel.domain.runners import JobOrder, Result, Secret, StepProgress, StepReport, StepStatus
from roundel.runner.attending import Attendant
from roundel.runner.durations import shown
from roundel.runner.opening import PREPARE, SPIN_UP, variables_text
from roundel.runner.questions import answer_questions
from roundel.runner.ship import Shipper, StepStream, ended
from roundel.runner.steps.keeping import Keeper
from roundel.runner.steps.kinds import process_of
from roundel.runner.steps.plan import Refusal
from roundel.runner.storing import HeldStorage
from roundel.runner.trial import Outcome, Trial

_RESULTS = {
    StepStatus.FAILED: ExecutionStatus.FAILED,
    StepStatus.TIMEDOUT: ExecutionStatus.TIMEDOUT,
    StepStatus.INFRASTRUCTURE_FAIL: ExecutionStatus.INFRASTRUCTURE_FAIL,
}


@dataclass(slots=True)
class _Open:
    """A step that was begun and not ended yet."""

    report: StepReport
    stream: StepStream


class JobRun:
    """Runs the steps of one order in an open sandbox.

    Steps are counted in the order in which they start.  That order follows from the plan and the
    results alone, so a runner that resumes counts the same way: a step that the server knows as
    ended is passed over, one that is under way is gone on with where its output had arrived.
    """

    def __init__(
        self,
        order: JobOrder,
        past: tuple[StepProgress, ...],
        shipper: Shipper,
        clock: Clock,
        storage: HeldStorage,
        hide: Callable[[Secret], None],
    ) -> None:
        self._order = order
        self._keeper = Keeper(order=order, storage=storage, clock=clock, hide=hide)
        self._hide = hide
        self._past = {step.report.index: step for step in past}
        self._shipper = shipper
        self._clock = clock
        self._next = 0
        self._open: dict[int, _Open] = {}
        self._background: dict[int, asyncio.Task[None]] = {}
        self._verdict: Outcome | None = None  # of the first step that failed
        self._message: str | None = None
        self.attendant: Attendant | None = None

    # -- the implicit steps --

    def spin_up(self) -> None:
        """Tell that the environment is being made."""
        self._begin(SPIN_UP, "spin_up")

    def spun_up(self, how: str) -> None:
        """Tell that it is there, and prepare the variables."""
        self._say_and_end(0, how)
        index = self._begin(PREPARE, "prepare_environment")
        self._say_and_end(index, variables_text(self._order))

    async def not_spun_up(self, why: str, *, infrastructure: bool) -> Result:
        """Tell that there is no environment for this job."""
        status = StepStatus.INFRASTRUCTURE_FAIL if infrastructure else StepStatus.FAILED
        self._say_and_end(0, why.rstrip() + "\n", status)
        await self.abandon(status, why)
        return Result(status=_RESULTS[status], message=why)

    # -- the steps of the plan --

    async def run(self, sandbox: Sandbox) -> Result:
        """Run all steps and return what the job has become.

        Cancelled, it ends what is under way as cancelled and lets the cancellation out.
        """
        limit = self._order.time_limit_seconds
        answering = asyncio.create_task(answer_questions(sandbox, self._keeper.storage, self._hide))
        try:
            async with asyncio.timeout(self._seconds_left()):
                await self._steps(sandbox)
                await self._end_background()
        except asyncio.CancelledError:
            await self._stop_background()
            raise
        except TimeoutError:
            await self.abandon(StepStatus.TIMEDOUT, "The job timed out.")
            why = f"The job ran longer than its limit of {shown(limit)}."
            return Result(status=ExecutionStatus.TIMEDOUT, message=why)
        except SandboxLost as error:
            why = f"The job's environment was lost: {error}."
            await self.abandon(StepStatus.INFRASTRUCTURE_FAIL, why)
            return Result(status=ExecutionStatus.INFRASTRUCTURE_FAIL, message=why)
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
        if self._verdict is None:
            return Result(status=ExecutionStatus.SUCCESS)
        return Result(status=_RESULTS[self._verdict.status], message=self._message)

    def _seconds_left(self) -> float:
        spent = 0.0
        if first := self._past.get(0):
            spent = (self._clock.now() - first.report.started_at) / SECOND
        return max(0.0, self._order.time_limit_seconds - spent)

    async def _steps(self, sandbox: Sandbox) -> None:
        for step in self._order.steps:
            failed = self._verdict is not None
            if step.when is (When.ON_SUCCESS if failed else When.ON_FAIL):
                continue
            await self._step(step, sandbox)
            if sandbox.halted():
                return

    async def _step(self, step: StepPlan, sandbox: Sandbox) -> None:
        """Run one step, again where it asks for that, and remember the first that fails."""
        process = await process_of(step, self._keeper, sandbox)
        if isinstance(process, Refusal):
            index = self._begin(step.name, step.kind)
            self._say_and_end(index, process.why + "\n", StepStatus.FAILED, process.why)
            await self._judge(step, Outcome(status=StepStatus.FAILED, message=process.why), sandbox)
            return
        if self.attendant is not None:
            await self.attendant.before(self._order, step, process.environment, sandbox)
        for attempt in range(process.reruns + 1):
            index = self._begin(step.name, step.kind, process.command, process.background)
            trial = Trial(index, process, sandbox)
            if process.background:
                self._in_background(index, trial)
                return
            outcome = await self._outcome(index, trial)
            if outcome.status is StepStatus.SUCCESS or sandbox.halted():
                break
            if attempt < process.reruns:
                await asyncio.sleep(process.rerun_delay_seconds)
        if outcome.status is not StepStatus.SUCCESS:
            await self._judge(step, outcome, sandbox)

    async def _outcome(self, index: int, trial: Trial) -> Outcome:
        past = self._past.get(index)
        if past is not None and past.report.status is not StepStatus.RUNNING:
            return Outcome(
                status=past.report.status, code=past.report.exit_code, message=past.report.message
            )
        stream = self._open[index].stream
        outcome = await trial.run(stream, from_offset=past.source_end if past else 0)
        if outcome.said:
            stream.say(outcome.said)
        self._end(index, outcome.status, outcome.code, outcome.message)
        return outcome

    async def _judge(self, step: StepPlan, outcome: Outcome, sandbox: Sandbox) -> None:
        if self._verdict is None:
            self._verdict = outcome
            how = f"exit code {outcome.code}" if outcome.code is not None else outcome.message
            self._message = f'Step "{step.name}" failed: {how}'
            if self.attendant is not None:
                await self.attendant.failed(self._order, step, sandbox)

    # -- background steps: success at the start, killed at the job's end --

    def _in_background(self, index: int, trial: Trial) -> None:
        past = self._past.get(index)
        if past is not None and past.report.status is not StepStatus.RUNNING:
            return

        async def follow() -> None:
            offset = past.source_end if past else 0
            outcome = await trial.run(self._open[index].stream, from_offset=offset)
            good = outcome.code == 0
            status = StepStatus.SUCCESS if good else StepStatus.FAILED
            self._end(index, status, outcome.code, outcome.message)

        self._background[index] = asyncio.create_task(follow())

    async def _end_background(self) -> None:
        await self._stop_background()
        for index in self._background:
            if index in self._open:
                self._end(index, StepStatus.SUCCESS, message="Stopped at the end of the job.")

    async def _stop_background(self) -> None:
        for task in self._background.values():
            task.cancel()
        await asyncio.gather(*self._background.values(), return_exceptions=True)

    async def abandon(self, status: StepStatus, message: str) -> None:
        """End every step that is still open, here or in what the server knows from before."""
        await self._stop_background()
        for index, past in self._past.items():
            if past.report.status is StepStatus.RUNNING and index >= self._next:
                self._reopen(past.report, past)
        for index in sorted(self._open):
            self._open[index].stream.say(f"\n{message}\n")
            self._end(index, status, message=message)

    # -- reports --

    def _begin(
        self, name: str, kind: str, command: str | None = None, background: bool = False
    ) -> int:
        index, self._next = self._next, self._next + 1
        past = self._past.get(index)
        if past is not None and past.report.status is not StepStatus.RUNNING:
            return index
        report = StepReport(
            index=index,
            name=name,
            kind=kind,
            status=StepStatus.RUNNING,
            command=command,
            background=background,
            started_at=past.report.started_at if past else self._clock.now(),
        )
        self._reopen(report, past)
        return index

    def _reopen(self, report: StepReport, past: StepProgress | None) -> None:
        stream = self._shipper.begin(
            report,
            next_chunk=past.next_chunk if past else 0,
            source_end=past.source_end if past else 0,
        )
        self._open[report.index] = _Open(report, stream)

    def _say_and_end(
        self,
        index: int,
        text: str,
        status: StepStatus = StepStatus.SUCCESS,
        message: str | None = None,
    ) -> None:
        if index not in self._open:
            return  # the server knows it as ended
        past = self._past.get(index)
        if past is None or past.next_chunk == 0:
            self._open[index].stream.say(text)
        self._end(index, status, message=message)

    def _end(
        self,
        index: int,
        status: StepStatus,
        code: int | None = None,
        message: str | None = None,
    ) -> None:
        step = self._open.pop(index)
        at = self._clock.now()
        step.stream.end(ended(step.report, status, at, exit_code=code, message=message))
