"""Advancing workflows: what is due is done, in the transaction that made it due."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from roundel.domain.clock import DAY, Micros
from roundel.domain.errors import NotFound
from roundel.domain.flows import (
    WORKFLOW_ENDED,
    Decision,
    Drop,
    Hold,
    Pass,
    Start,
    WorkflowStatus,
    advance,
    called,
)
from roundel.domain.ids import ExecutionId, JobId, TimerId, WorkflowId, new_id
from roundel.domain.jobs import ENDED, Execution, ExecutionStatus, Job, JobStatus, lane_of
from roundel.domain.plan import JobType
from roundel.domain.reruns import Choice
from roundel.domain.timers import Timer, TimerKind
from roundel.domain.turns import Ticket, TurnKind
from roundel.domain.workflows import Layout, Workflow, WorkflowSlot, needs_turn
from roundel.services.announcing import announce_job, announce_workflow
from roundel.services.blocking import why_blocked
from roundel.services.context_use import why_no_contexts
from roundel.services.deploys import ending_of_release
from roundel.services.parts import part_after, whole
from roundel.services.repeating import Repeat, repeat_workflow
from roundel.services.showing import show_job, show_jobs
from roundel.services.turns import (
    OVERTAKEN,
    WAITED_TOO_LONG,
    Turn,
    ask_for_turn,
    give_back,
    next_in_line,
    unlock,
)
from roundel.services.work import CLAIMS, Tx

APPROVAL_LIFETIME = 90 * DAY


def advance_workflow(tx: Tx, workflow_id: WorkflowId, at: Micros) -> None:
    """Do what the workflow is due for as a whole: it was just made, or somebody asked for its end.

    Calling it again changes nothing.  Workflows that waited in line for a turn of this one advance
    as well.
    """
    _Advance(tx, at).run(workflow_id)


def advance_after(tx: Tx, job: Job, at: Micros) -> None:
    """Do what is due now that `job` has ended, in the transaction that ended it.

    Only what requires the job is looked at, so that an ending costs the same in a workflow of any
    size.  All workflows advance that the job is part of.
    """
    advance = _Advance(tx, at)
    advance.follow(job)
    advance.settle()


def expire_turn(tx: Tx, ticket: Ticket, at: Micros) -> None:
    """End the wait for a turn that did not come in time."""
    advance = _Advance(tx, at)
    tx.tickets.remove(ticket.job_id)
    advance.cancel(ticket, WAITED_TOO_LONG)
    advance.settle()


class _Advance:
    """One transaction's advance.  `_due` are workflows to look at, one after another: a line of a
    thousand locks that pass at once is no recursion."""

    def __init__(self, tx: Tx, at: Micros) -> None:
        self._tx = tx
        self._at = at
        # With the jobs that have ended; without them the whole workflow is to be looked at.
        self._due: list[tuple[WorkflowId, tuple[JobId, ...]]] = []
        # Workflows as they stand: nobody else changes one meanwhile.
        self._known: dict[WorkflowId, Workflow] = {}

    def run(self, workflow_id: WorkflowId) -> None:
        self._due.append((workflow_id, ()))
        self.settle()

    def follow(self, job: Job, but: WorkflowId | None = None) -> None:
        """Have all workflows looked at that the job is part of, `but` for one."""
        for workflow in self._tx.workflows.with_job(job.id):
            if workflow.id != but:
                self._known.setdefault(workflow.id, workflow)
                self._due.append((workflow.id, (job.id,)))

    def settle(self) -> None:
        while self._due:
            self._one(*self._due.pop())

    def _one(self, workflow_id: WorkflowId, ended: tuple[JobId, ...]) -> None:
        tx = self._tx
        workflow = self._known.get(workflow_id) or tx.workflows.get(workflow_id)
        if workflow is None or workflow.status in WORKFLOW_ENDED:
            return
        layout = tx.workflows.layout(workflow_id)
        flow = part_after(tx, workflow, ended) if ended else whole(tx, workflow)
        gone: list[Ticket] = []
        while decisions := advance(flow):
            over: list[JobId] = []
            for plainly, some in groupby(decisions, lambda it: _is_plain(it, layout)):
                if plainly:
                    self._start_all([layout.slots[it.job] for it in some])
                    continue
                for decision in some:
                    slot = layout.slots[decision.job]
                    stands = self._apply(decision, workflow, slot, gone)
                    if stands in ENDED and slot.job_id is not None:
                        over.append(slot.job_id)
            if not over:
                break
            flow = part_after(tx, workflow, over)
        status = called(tx.workflows.statuses(workflow), canceling=flow.canceling)
        gone += give_back(tx, workflow.id, layout, ended=status in WORKFLOW_ENDED)
        self._save(workflow, status)
        self._move_lines(gone)

    def _apply(
        self, decision: Decision, workflow: Workflow, slot: WorkflowSlot, gone: list[Ticket]
    ) -> JobStatus:
        """Carry out one decision; return where the job stands then."""
        tx, at, job = self._tx, self._at, _job_of(self._tx, slot)
        match decision:
            case Start() if (refused := why_no_contexts(tx, slot)) is not None:
                after = replace(job, status=refused.status, stopped_at=at, message=refused.message)
            case Start() | Pass() if needs_turn(slot):
                after = self._in_turn(workflow, slot, job)
            case Start() if slot.type is JobType.RELEASE:
                after = self._release(workflow, job)
            case Start():
                after = self._queue([(job, slot.position)])[0]
            case Hold():
                after = replace(job, status=JobStatus.ON_HOLD)
                tx.timers.add(_approval_expiry(job, at))
            case Pass():
                if slot.type is JobType.UNLOCK:
                    gone += unlock(tx, workflow, job)
                after = self._pass(job)
            case Drop():
                after = replace(job, status=JobStatus.NOT_RUN, stopped_at=at)
        tx.jobs.save(after, job.status)
        if after.status in ENDED:
            self.follow(after, but=workflow.id)
            if after.status is not JobStatus.NOT_RUN:
                announce_job(tx, after, at)
        else:
            show_job(tx, after, at)
        return after.status

    def _in_turn(self, workflow: Workflow, slot: WorkflowSlot, job: Job) -> Job:
        """Start a job whose turn it is; others are queued, without executions to claim."""
        turn, key = ask_for_turn(self._tx, workflow, slot, job, self._at)
        match turn:
            case Turn.NOW if slot.type is JobType.BUILD:
                return self._queue([(job, slot.position)])[0]
            case Turn.NOW if slot.type is JobType.RELEASE:
                return self._release(workflow, job)
            case Turn.NOW:
                return self._pass(job)
            case Turn.WAIT:
                number = self._tx.projects.take_job_number(job.project_id)
                return replace(job, status=JobStatus.QUEUED, number=number, queued_at=self._at)
            case Turn.NEVER:
                return replace(
                    job,
                    status=JobStatus.CANCELED,
                    stopped_at=self._at,
                    message=OVERTAKEN.format(key),
                )

    def _pass(self, job: Job) -> Job:
        number = job.number or self._tx.projects.take_job_number(job.project_id)
        at = self._at
        return replace(job, status=JobStatus.SUCCESS, number=number, started_at=at, stopped_at=at)

    def _release(self, workflow: Workflow | None, job: Job) -> Job:
        after = self._pass(job)
        if workflow is None:
            return after
        status, why = ending_of_release(self._tx, workflow, job)
        return replace(after, status=status, message=why or None)

    def _start_all(self, slots: Sequence[WorkflowSlot]) -> None:
        """Queue jobs that have to wait for nothing any more, in this order."""
        tx = self._tx
        places = {slot.job_id: slot.position for slot in slots if slot.job_id is not None}
        jobs = tx.jobs.several(list(places))
        if len(jobs) < len(slots):
            raise NotFound(f"an invocation of {', '.join(it.name for it in slots)} has no job")
        queued = self._queue([(job, places[job.id]) for job in jobs])
        tx.jobs.save_all(queued, JobStatus.BLOCKED)
        show_jobs(tx, queued, self._at)

    def _queue(self, jobs: Sequence[tuple[Job, int]]) -> list[Job]:
        """Make the executions of jobs, each with its place; return the jobs as they are then."""
        nameless = [job for job, _ in jobs if job.number is None]
        numbers = iter(
            self._tx.projects.take_job_numbers(nameless[0].project_id, len(nameless))
            if nameless
            else ()
        )
        self._tx.executions.add(
            [it for job, place in jobs for it in _executions(job, place, self._at)]
        )
        self._tx.wake(CLAIMS)
        return [
            replace(
                job,
                status=JobStatus.QUEUED,
                number=next(numbers) if job.number is None else job.number,
                queued_at=self._at,
            )
            for job, _ in jobs
        ]

    def _move_lines(self, gone: list[Ticket]) -> None:
        """Start those whose turn has come, and skip those whom somebody newer has overtaken."""
        if not gone:
            return
        now, never = next_in_line(self._tx, gone)
        for ticket in never:
            self.cancel(ticket, OVERTAKEN.format(ticket.key))
        for place, ticket in enumerate(now):
            job = self._tx.jobs.get(ticket.job_id)
            if job is None or job.status is not JobStatus.QUEUED:
                continue
            if ticket.kind is TurnKind.SERIAL and job.type is JobType.BUILD:
                self._tx.jobs.save(self._queue([(job, place)])[0], job.status)
                continue
            if job.type is JobType.RELEASE:
                after = self._release(self._tx.workflows.get(job.workflow_id), job)
            else:
                after = self._pass(job)
            self._tx.jobs.save(after, job.status)
            announce_job(self._tx, after, self._at)
            self.follow(after)

    def cancel(self, ticket: Ticket, message: str) -> None:
        """End a job that waits for a turn; its workflow is due afterwards."""
        job = self._tx.jobs.get(ticket.job_id)
        if job is None or job.status is not JobStatus.QUEUED:
            return
        after = replace(job, status=JobStatus.CANCELED, stopped_at=self._at, message=message)
        self._tx.jobs.save(after, job.status)
        announce_job(self._tx, after, self._at)
        self.follow(after)

    def _save(self, workflow: Workflow, status: WorkflowStatus) -> None:
        if status is workflow.status:
            return
        ended = status in WORKFLOW_ENDED
        after = replace(workflow, status=status, stopped_at=self._at if ended else None)
        self._tx.workflows.save(after, workflow.status)
        self._known[workflow.id] = after
        if not ended:
            return
        self._tx.timers.remove_for(TimerKind.WORKFLOW_EXPIRY, workflow.id)
        announce_workflow(self._tx, after, self._at)
        self._rerun_by_itself(after)

    def _rerun_by_itself(self, workflow: Workflow) -> None:
        """Run what failed once more, as often as the config says; never what was cancelled."""
        if workflow.status is not WorkflowStatus.FAILED:
            return
        if workflow.auto_rerun_number >= workflow.max_auto_reruns:
            return
        if self._tx.workflows.was_rerun(workflow):
            return  # somebody was faster, while others of its jobs still ran
        if why_blocked(self._tx, workflow.project_id) is not None:
            return
        repeat = Repeat(
            workflow=workflow,
            choice=Choice(from_failed=True),
            started_by=workflow.started_by,
            automatic=True,
        )
        self._due.append((repeat_workflow(self._tx, repeat, self._at).id, ()))


def _is_plain(decision: Decision, layout: Layout) -> bool:
    """Tell whether a job has nothing to do but to be queued for a runner."""
    slot = layout.slots[decision.job]
    plain = isinstance(decision, Start) and slot.type is JobType.BUILD
    return plain and not slot.contexts and not needs_turn(slot)


def _executions(job: Job, place: int, at: Micros) -> list[Execution]:
    return [
        Execution(
            id=ExecutionId(new_id()),
            job_id=job.id,
            node=node,
            attempt=1,
            status=ExecutionStatus.QUEUED,
            resource_class=job.resource_class,
            lane=lane_of(job.resource_class, job.executor),
            # Of jobs queued at once, the first in the config is claimed first.
            created_at=Micros(at + place + node),
        )
        for node in range(job.parallelism)
    ]


def _job_of(tx: Tx, slot: WorkflowSlot) -> Job:
    job = None if slot.job_id is None else tx.jobs.get(slot.job_id)
    if job is None:
        raise NotFound(f"{slot.name!r} has no job")
    return job


def _approval_expiry(job: Job, at: Micros) -> Timer:
    return Timer(
        id=TimerId(new_id()),
        kind=TimerKind.APPROVAL_EXPIRY,
        subject=job.id,
        run_at=Micros(at + APPROVAL_LIFETIME),
    )
