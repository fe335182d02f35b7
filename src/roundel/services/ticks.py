"""Ticks: whatever is due is done, whether or not anybody was woken for it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from roundel.domain.clock import MINUTE, SECOND, Micros
from roundel.domain.ids import (
    CronTriggerId,
    ExecutionId,
    JobId,
    PipelineId,
    ProjectId,
    ScheduleId,
    WorkflowId,
)
from roundel.domain.outbox import EventKind, OutboxEvent
from roundel.domain.replicas import BEAT, DEAD_AFTER
from roundel.domain.runners import LEASE_SECONDS
from roundel.domain.timers import Timer, TimerKind
from roundel.services.advancing import expire_turn
from roundel.services.arming import arm_sweep
from roundel.services.claims import wait_for
from roundel.services.insights import fold_events
from roundel.services.pipelines import (
    Triggered,
    create_pipeline,
    give_up_pipeline,
    load_triggered,
)
from roundel.services.results import lapse
from roundel.services.work import TIMERS, App, Tx
from roundel.services.workflows import expire_workflow

if TYPE_CHECKING:
    from roundel.domain.git_hosts import DeliveryId

POLL_SECONDS = 1.0  # how late a tick may be
TAKEN = 10 * MINUTE  # how long taken work may take before somebody else tries
FIRST_RETRY = 2 * SECOND  # doubled with each attempt
COMPILE_ATTEMPTS = 5  # then the pipeline is given up: whoever waits for it deserves an answer
AT_ONCE = 100  # rows per tick: keeps the transaction short
EVENTS_AT_ONCE = 20  # of a transaction; each may touch a dozen rows

LEASE = LEASE_SECONDS * SECOND
CUT_OFF_SECONDS = LEASE_SECONDS / 3  # between two ticks; after that runners get their time again

log = logging.getLogger(__name__)


class Ticks:
    """Owns all work of the server that no request waits for.  `run` lasts until cancelled."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._tasks: set[asyncio.Task[None]] = set()
        self._ticking = asyncio.Lock()  # what a tick has taken is under way once it is over
        self._shown = Micros(0)  # when we last showed that we live
        self._ticked: float | None = None
        self._gap: int | None = None  # between the clock and the time that nobody turns

    async def recover(self) -> None:
        """Take up what a process that is gone has left; called once, before anything runs.

        Its timers are due at once.  Without another server on the database, leases get a full
        length again: nobody could renew them, and the jobs may well be running on.
        """
        app = self._app
        at = app.clock.now()

        def transaction(tx: Tx) -> tuple[int, int]:
            if app.alone:
                tx.replicas.leave_all()
            if app.predecessor is not None:
                tx.replicas.leave(app.predecessor)
            alone = not tx.replicas.others(app.instance, Micros(at - DEAD_AFTER))
            freed = self._show_life(tx, at)
            arm_sweep(tx, at)
            return freed, tx.executions.prolong_leases(Micros(at + LEASE)) if alone else 0

        freed, prolonged = await app.database.write(transaction)
        if freed or prolonged:
            log.info(
                "took up %d timers and %d leases of an earlier run",
                freed,
                prolonged,
                extra={"event": "recovered", "timers": freed, "leases": prolonged},
            )

    async def leave(self) -> None:
        """Let other servers take up at once what this one has begun."""
        app = self._app
        at = app.clock.now()

        def transaction(tx: Tx) -> None:
            tx.replicas.leave(app.instance)
            tx.timers.free_orphans(alive_since=Micros(at - DEAD_AFTER), now=at)
            tx.wake(TIMERS)

        await app.database.write(transaction)

    def _show_life(self, tx: Tx, at: Micros) -> int:
        """Show that we live, and free what is left of those that do not; return how much."""
        tx.replicas.beat(self._app.instance, at)
        self._shown = at
        return tx.timers.free_orphans(alive_since=Micros(at - DEAD_AFTER), now=at)

    async def run(self) -> None:
        """Do what falls due, until cancelled; then end what is under way."""
        try:
            with self._app.wakeups.listen(TIMERS) as woken:
                while True:
                    woken.clear()
                    try:
                        await self.tick()
                    except Exception:
                        log.exception("a tick failed", extra={"event": "tick-failed"})
                    await wait_for(woken, POLL_SECONDS)
        finally:
            await self._end_tasks()

    async def tick(self) -> None:
        """Do what is due now.

        What has ended is counted and told of a little at a time: who starts a job waits meanwhile.
        """
        async with self._ticking:
            await self._tick()

    async def _tick(self) -> None:
        at = self._app.clock.now()
        cut_off, turned = self._was_cut_off(), self._clock_turned(at)

        def transaction(tx: Tx) -> tuple[list[Timer], bool]:
            if at - self._shown >= BEAT:
                self._show_life(tx, at)
            if cut_off:
                tx.executions.prolong_leases(Micros(at + LEASE))
            if turned:
                tx.executions.turn_clock(Micros(at + LEASE), turned)
            for execution in tx.executions.lapsed(at, AT_ONCE):
                lapse(tx, execution, at)
            return self._due(tx, at)

        more = await self._begin(transaction)
        for _ in range(AT_ONCE // EVENTS_AT_ONCE - 1):
            if not more:
                return
            more = await self._begin(lambda tx: self._due(tx, at))

    def _due(self, tx: Tx, at: Micros) -> tuple[list[Timer], bool]:
        """Return the work that is due; tell whether more waits in the outbox."""
        events = tx.outbox.take(EVENTS_AT_ONCE)
        fold_events(tx, events)
        for event in events:
            _tell(tx, event, self._app.addresses.public_url)
        due = tx.timers.take_due(
            now=at, until=Micros(at + TAKEN), owner=self._app.instance, limit=AT_ONCE
        )
        left = [timer for timer in due if not _done_at_once(tx, timer, at)]
        return left, len(events) == EVENTS_AT_ONCE

    async def _begin(self, transaction: Callable[[Tx], tuple[list[Timer], bool]]) -> bool:
        timers, more = await self._app.database.write(transaction)
        for timer in timers:
            self._own(timer.kind, timer.subject, timer.attempts, self._work_of(timer))
        return more

    def _was_cut_off(self) -> bool:
        """Tell whether the database was away for so long that no lease could be renewed."""
        now = asyncio.get_running_loop().time()
        before, self._ticked = self._ticked, now
        return before is not None and now - before > CUT_OFF_SECONDS

    def _clock_turned(self, at: Micros) -> int:
        """Return by how much the clock was turned since the last tick, or the machine slept.

        Leases would seem to have run out, or to last for hours.
        """
        gap = at - self._app.clock.steady()
        before, self._gap = self._gap, gap
        turned = 0 if before is None else gap - before
        return turned if abs(turned) > CUT_OFF_SECONDS * SECOND else 0

    def create(self, triggered: Triggered) -> None:
        """Go on with a pipeline that was just accepted."""
        pipeline_id = triggered.pipeline.id
        self._own(TimerKind.COMPILE, pipeline_id, 0, create_pipeline(triggered, self._app))

    def ingest(self, delivery: "DeliveryId") -> None:
        """Act on a message that was just kept."""
        self._own(TimerKind.GIT_DELIVERY, delivery, 0, self._acting(delivery))

    async def settled(self) -> None:
        """Return once neither a tick nor work is under way."""
        while self._ticking.locked() or self._tasks:
            async with self._ticking:
                pass
            if self._tasks:
                await asyncio.wait(set(self._tasks))

    def _work_of(self, timer: Timer) -> Coroutine[Any, Any, None]:
        """Return what a timer asks for.  Each kind loads its own: a local run meets few of them."""
        app = self._app
        match timer.kind:
            case TimerKind.COMPILE:
                return self._resume_pipeline(PipelineId(timer.subject), timer.attempts)
            case TimerKind.SEAL_LOGS:
                from roundel.services.sealing import seal_output

                return seal_output(ExecutionId(timer.subject), app)
            case TimerKind.SCHEDULE:
                from roundel.services.schedules import run_schedule

                return self._run(run_schedule(ScheduleId(timer.subject), app))
            case TimerKind.CRON:
                from roundel.services.schedules import run_cron

                return self._run(run_cron(CronTriggerId(timer.subject), app))
            case TimerKind.GIT_DELIVERY:
                from roundel.domain.git_hosts import DeliveryId

                return self._acting(DeliveryId(timer.subject))
            case TimerKind.GIT_LOOK:
                from roundel.services.looking import look_at

                return self._go_on(look_at(ProjectId(timer.subject), app))
            case TimerKind.GIT_STATUS:
                from roundel.services.statuses import send_statuses

                return send_statuses(ProjectId(timer.subject), app)
            case TimerKind.SWEEP_STORAGE:
                from roundel.services.sweeping import sweep_storage

                return sweep_storage(app)
            case TimerKind.DELIVER:
                from roundel.services.delivering import deliver

                return deliver(timer.subject, app)
            case TimerKind.EXPORT_SPANS:
                from roundel.domain.telemetry import ExporterId
                from roundel.services.exporting import export_spans

                return export_spans(ExporterId(timer.subject), app)
            case TimerKind.USAGE_EXPORT:
                from roundel.domain.usage import ExportId
                from roundel.services.usage import write_export

                return write_export(ExportId(timer.subject), timer.attempts, app)
            case _:
                raise ValueError(f"{timer.kind} asks for nothing behind the scenes")

    def _acting(self, delivery: "DeliveryId") -> Coroutine[Any, Any, None]:
        from roundel.services.ingest import act_on

        return self._go_on(act_on(delivery, self._app))

    async def _run(self, schedule: Coroutine[Any, Any, Triggered | None]) -> None:
        triggered = await schedule
        if triggered is not None:
            self.create(triggered)

    async def _go_on(self, starting: Coroutine[Any, Any, list[Triggered]]) -> None:
        for triggered in await starting:
            self.create(triggered)

    async def _resume_pipeline(self, pipeline_id: PipelineId, attempts: int) -> None:
        if attempts > COMPILE_ATTEMPTS:
            await give_up_pipeline(pipeline_id, self._app)
            return
        triggered = await load_triggered(pipeline_id, self._app)
        if triggered is not None:
            await create_pipeline(triggered, self._app)

    def _own(
        self, kind: TimerKind, subject: str, attempts: int, work: Coroutine[Any, Any, None]
    ) -> None:
        task = asyncio.create_task(self._guarded(kind, subject, attempts, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(
        self, kind: TimerKind, subject: str, attempts: int, work: Coroutine[Any, Any, None]
    ) -> None:
        """Run work that nobody waits for; if it fails, its timer brings it back later."""
        try:
            await work
        except Exception:
            log.exception(
                "work behind the scenes failed",
                extra={"event": "work-failed", "kind": kind.value, "subject": subject},
            )
            again = Micros(self._app.clock.now() + FIRST_RETRY * 2 ** min(attempts, 10))
            await self._app.database.write(lambda tx: tx.timers.postpone(kind, subject, again))

    async def _end_tasks(self) -> None:
        if self._tasks:  # one that was made just now begins first: work is not dropped unseen
            await asyncio.sleep(0)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))


def _tell(tx: Tx, event: OutboxEvent, public_url: str) -> None:
    """Tell the webhooks and collectors of a project that an event is about, if it has any."""
    hooks = tx.webhooks.of_project(event.project_id)
    if hooks:
        from roundel.services.telling import tell_webhooks

        tell_webhooks(tx, event, hooks, public_url)
    if event.kind is not EventKind.WORKFLOW_COMPLETED:
        return
    exporters = tx.exporters.of_project(event.project_id)
    if exporters:
        from roundel.services.exporters import await_spans

        await_spans(tx, event, exporters)


def _done_at_once(tx: Tx, timer: Timer, at: Micros) -> bool:
    """Do what needs nothing but the database; tell whether this was all."""
    match timer.kind:
        case TimerKind.APPROVAL_EXPIRY:
            from roundel.services.approvals import expire_approval

            expire_approval(tx, JobId(timer.subject), at)
        case TimerKind.WORKFLOW_EXPIRY:
            expire_workflow(tx, WorkflowId(timer.subject), at)
        case TimerKind.TURN_EXPIRY:
            ticket = tx.tickets.get(JobId(timer.subject))
            if ticket is not None and not ticket.held:
                expire_turn(tx, ticket, at)
        case _:
            return False
    tx.timers.remove(timer.id)
    return True
