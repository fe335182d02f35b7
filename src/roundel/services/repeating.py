"""Making a workflow again from one that has ended: new rows, the plan as it was stored."""

from collections.abc import Sequence
from dataclasses import replace

from roundel.domain.clock import DAY, Micros
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import JobId, PersonId, TimerId, WorkflowId, new_id
from roundel.domain.jobs import Job, JobStatus
from roundel.domain.plan import JobType, Requirement
from roundel.domain.records import dataclass
from roundel.domain.reruns import Choice, Fate, fates, locks_to_take
from roundel.domain.timers import Timer, TimerKind
from roundel.domain.workflows import Workflow, WorkflowSlot
from roundel.services.turns import lock_key
from roundel.services.work import Tx

WORKFLOW_LIFETIME = 90 * DAY
LEFT_OUT = "it is not connected to the jobs that were rerun"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A workflow to make again; `automatic` ones count towards `max_auto_reruns`."""

    workflow: Workflow
    choice: Choice
    started_by: PersonId | None
    automatic: bool = False


def repeat_workflow(tx: Tx, repeat: Repeat, at: Micros) -> Workflow:
    """Add the new workflow with its jobs.  The caller advances it."""
    before = repeat.workflow
    slots = tx.workflows.slots(before.id)
    fate = fates(slots, repeat.choice)
    taken = locks_to_take(slots, fate, _lock_keys(tx, before, slots))
    fate |= {lock: Fate.RUN for locks in taken.values() for lock in locks}
    workflow = Workflow(
        id=WorkflowId(new_id()),
        pipeline_id=before.pipeline_id,
        project_id=before.project_id,
        name=before.name,
        status=WorkflowStatus.RUNNING,
        started_by=repeat.started_by,
        workspace_id=before.workspace_id,
        rerun_of=before.id,
        tag=before.tag,
        plan=before.plan,
        auto_rerun_number=before.auto_rerun_number + 1 if repeat.automatic else 0,
        max_auto_reruns=before.max_auto_reruns if repeat.automatic else 0,
        created_at=at,
    )
    tx.workflows.add(workflow)
    tx.timers.add(workflow_expiry(workflow))
    made: list[Job] = []
    again: list[WorkflowSlot] = []
    for slot in slots:
        job_id: JobId | None = slot.job_id if fate[slot.name] is Fate.KEEP else None
        if fate[slot.name] is Fate.RUN and slot.job_id is not None:
            job = _job_again(tx, slot.job_id, workflow, at)
            made.append(job)
            job_id = job.id
        excluded = None if job_id is not None else slot.excluded or LEFT_OUT
        again.append(
            replace(
                _after(slot, taken.get(slot.name, ())),
                workflow_id=workflow.id,
                job_id=job_id,
                excluded=excluded,
                status=None,
            )
        )
    tx.jobs.add(made)
    tx.workflows.add_slots(again)
    return workflow


def _lock_keys(tx: Tx, workflow: Workflow, slots: Sequence[WorkflowSlot]) -> dict[str, str]:
    """Return the key of each invocation that locks or unlocks."""
    keys = {}
    for slot in slots:
        if slot.type in (JobType.LOCK, JobType.UNLOCK) and slot.job_id is not None:
            job = tx.jobs.get(slot.job_id)
            keys[slot.name] = "" if job is None else lock_key(tx, workflow, job)
    return keys


def _after(slot: WorkflowSlot, locks: Sequence[str]) -> WorkflowSlot:
    """Return the invocation with these locks among what it requires."""
    named = {need.job for need in slot.requires}
    more = [Requirement(job=lock) for lock in locks if lock not in named]
    return replace(slot, requires=(*slot.requires, *more))


def workflow_expiry(workflow: Workflow) -> Timer:
    """Return the timer that cancels a workflow which does not end."""
    return Timer(
        id=TimerId(new_id()),
        kind=TimerKind.WORKFLOW_EXPIRY,
        subject=workflow.id,
        run_at=Micros(workflow.created_at + WORKFLOW_LIFETIME),
    )


def _job_again(tx: Tx, job_id: JobId, workflow: Workflow, at: Micros) -> Job:
    before = tx.jobs.get(job_id)
    if before is None:
        raise LookupError(f"job {job_id} is not in the database")
    return Job(
        id=JobId(new_id()),
        project_id=workflow.project_id,
        workflow_id=workflow.id,
        name=before.name,
        type=JobType(before.type),
        status=JobStatus.BLOCKED,
        plan_key=before.plan_key,
        parallelism=before.parallelism,
        resource_class=before.resource_class,
        executor=before.executor,
        created_at=at,
    )
