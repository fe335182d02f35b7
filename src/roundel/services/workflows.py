"""Workflows: what they do next, and their end on request."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from roundel.domain.access import Actor
from roundel.domain.clock import DAY, Micros
from roundel.domain.errors import NotFound
from roundel.domain.flows import (
    WORKFLOW_ENDED,
    Decision,
    Drop,
    Flow,
    Hold,
    Pass,
    Slot,
    Start,
    WorkflowStatus,
    advance,
    status_of,
)
from roundel.domain.ids import ExecutionId, PersonId, TimerId, WorkflowId, new_id
from roundel.domain.jobs import ENDED, Execution, ExecutionStatus, Job, JobStatus
from roundel.domain.reruns import Choice
from roundel.domain.timers import Timer, TimerKind
from roundel.domain.workflows import Workflow, WorkflowSlot
from roundel.services.announcing import announce_job, announce_workflow
from roundel.services.context_use import why_no_contexts
from roundel.services.repeating import Repeat, repeat_workflow
from roundel.services.stopping import stop_job
from roundel.services.work import CLAIMS, App, Tx

APPROVAL_LIFETIME = 90 * DAY
NOBODY = PersonId("00000000-0000-0000-0000-000000000000")  # who cancels where no person does


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelWorkflow:
    """Ask for a workflow's end."""

    workflow: WorkflowId
    by: Actor


async def cancel_workflow(command: CancelWorkflow, app: App) -> None:
    """Ask everything that runs to stop; the workflow is canceled once it has stopped.

    What has not begun never will.  Asking again, or after the end, changes nothing.
    """
    at = app.clock.now()

    def transaction(tx: Tx) -> None:
        workflow = tx.workflows.get(command.workflow)
        if workflow is None:
            raise NotFound("Workflow not found")
        cancel_in(tx, workflow, command.by.id, at)

    await app.database.write(transaction)


def cancel_in(tx: Tx, workflow: Workflow, by: PersonId, at: Micros) -> None:
    """Ask for a workflow's end in a transaction that is about more than that."""
    if workflow.status in WORKFLOW_ENDED or workflow.canceled_by is not None:
        return
    tx.workflows.save(replace(workflow, canceled_by=by), workflow.status)
    for slot in tx.workflows.slots(workflow.id):
        if slot.job_id is None or slot.status is JobStatus.BLOCKED or slot.status in ENDED:
            continue
        stop_job(tx, _job_of(tx, slot), by=by, at=at)
    advance_workflow(tx, workflow.id, at)


def advance_workflow(tx: Tx, workflow_id: WorkflowId, at: Micros) -> None:
    """Do what the workflow is due for, in the transaction that made it due.

    Called after every ending, approval and cancel; calling it again changes nothing.
    """
    workflow = tx.workflows.get(workflow_id)
    if workflow is None or workflow.status in WORKFLOW_ENDED:
        return
    slots = {slot.name: slot for slot in tx.workflows.slots(workflow_id)}
    flow = _flow(workflow, slots.values())
    while decisions := advance(flow):
        for decision in decisions:
            slot = slots[decision.job]
            slots[slot.name] = replace(slot, status=_apply(tx, decision, slot, at))
        flow = _flow(workflow, slots.values())
    _save_status(tx, workflow, flow, at)


def _flow(workflow: Workflow, slots: Iterable[WorkflowSlot]) -> Flow:
    return Flow(
        slots=tuple(
            Slot(
                name=slot.name,
                type=slot.type,
                status=slot.status or JobStatus.NOT_RUN,
                requires=slot.requires,
                excluded=slot.job_id is None,
            )
            for slot in slots
        ),
        canceling=workflow.canceled_by is not None,
    )


def _job_of(tx: Tx, slot: WorkflowSlot) -> Job:
    job = None if slot.job_id is None else tx.jobs.get(slot.job_id)
    if job is None:
        raise NotFound(f"{slot.name!r} has no job")
    return job


def _apply(tx: Tx, decision: Decision, slot: WorkflowSlot, at: Micros) -> JobStatus:
    """Carry out one decision; return where the job stands then."""
    job = _job_of(tx, slot)
    match decision:
        case Start() if (refused := why_no_contexts(tx, slot)) is not None:
            after = replace(job, status=refused.status, stopped_at=at, message=refused.message)
        case Start():
            after = _queue(tx, job, slot.position, at)
        case Hold():
            after = replace(job, status=JobStatus.ON_HOLD)
            tx.timers.add(_approval_expiry(job, at))
        case Pass():
            after = replace(
                job,
                status=JobStatus.SUCCESS,
                number=tx.projects.take_job_number(job.project_id),
                started_at=at,
                stopped_at=at,
            )
        case Drop():
            after = replace(job, status=JobStatus.NOT_RUN, stopped_at=at)
    tx.jobs.save(after, job.status)
    if after.status in ENDED and after.status is not JobStatus.NOT_RUN:
        announce_job(tx, after, at)
    return after.status


def _queue(tx: Tx, job: Job, position: int, at: Micros) -> Job:
    number = tx.projects.take_job_number(job.project_id)
    tx.executions.add(
        [
            Execution(
                id=ExecutionId(new_id()),
                job_id=job.id,
                node=node,
                attempt=1,
                status=ExecutionStatus.QUEUED,
                resource_class=job.resource_class,
                # Of jobs that are queued at once, the first in the config is claimed first.
                created_at=Micros(at + position + node),
            )
            for node in range(job.parallelism)
        ]
    )
    tx.wake(CLAIMS)
    return replace(job, status=JobStatus.QUEUED, number=number, queued_at=at)


def _approval_expiry(job: Job, at: Micros) -> Timer:
    return Timer(
        id=TimerId(new_id()),
        kind=TimerKind.APPROVAL_EXPIRY,
        subject=job.id,
        run_at=Micros(at + APPROVAL_LIFETIME),
    )


def _save_status(tx: Tx, workflow: Workflow, flow: Flow, at: Micros) -> None:
    status = status_of(flow)
    if status is workflow.status:
        return
    ended = status in WORKFLOW_ENDED
    after = replace(workflow, status=status, stopped_at=at if ended else None)
    tx.workflows.save(after, workflow.status)
    if ended:
        announce_workflow(tx, after, at)
        _rerun_by_itself(tx, after, at)


def _rerun_by_itself(tx: Tx, workflow: Workflow, at: Micros) -> None:
    """Run what failed once more, as often as the config says; never what was cancelled."""
    if workflow.status is not WorkflowStatus.FAILED:
        return
    if workflow.auto_rerun_number >= workflow.max_auto_reruns:
        return
    repeat = Repeat(
        workflow=workflow,
        choice=Choice(from_failed=True),
        started_by=workflow.started_by,
        automatic=True,
    )
    again = repeat_workflow(tx, repeat, at)
    advance_workflow(tx, again.id, at)
