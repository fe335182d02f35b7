"""Folding what has ended into the figures of insights; each event once, as the outbox has it."""

from collections.abc import Sequence

from roundel.domain.clock import MILLISECOND, Micros
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import JobId, WorkflowId
from roundel.domain.insights import WHOLE, Outcome, Sample, compute_units
from roundel.domain.jobs import Job, JobStatus
from roundel.domain.outbox import EventKind, OutboxEvent
from roundel.domain.plan import JobType
from roundel.services.work import Tx

_RUNS = {
    WorkflowStatus.SUCCESS: Outcome.SUCCESS,
    WorkflowStatus.FAILED: Outcome.FAILED,
    WorkflowStatus.ERROR: Outcome.FAILED,
    WorkflowStatus.UNAUTHORIZED: Outcome.FAILED,
    WorkflowStatus.CANCELED: Outcome.CANCELED,
}
_JOBS = {
    JobStatus.SUCCESS: Outcome.SUCCESS,
    JobStatus.FAILED: Outcome.FAILED,
    JobStatus.TIMEDOUT: Outcome.FAILED,
    JobStatus.INFRASTRUCTURE_FAIL: Outcome.FAILED,
    JobStatus.UNAUTHORIZED: Outcome.FAILED,
    JobStatus.CANCELED: Outcome.CANCELED,
}


def fold_events(tx: Tx, events: Sequence[OutboxEvent]) -> None:
    """Count what events tell of."""
    named: dict[WorkflowId, tuple[str, str]] = {}  # jobs that end at once are mostly of the same
    ended = [JobId(it.subject) for it in events if it.kind is EventKind.JOB_COMPLETED]
    jobs = {job.id: job for job in tx.jobs.several(ended)}
    samples: list[Sample | None] = []
    for event in events:
        match event.kind:
            case EventKind.JOB_COMPLETED:
                samples.append(_of_job(tx, jobs.get(JobId(event.subject)), named))
            case EventKind.WORKFLOW_COMPLETED:
                samples.append(_of_workflow(tx, WorkflowId(event.subject)))
    tx.insights.fold([sample for sample in samples if sample is not None])


def _of_workflow(tx: Tx, workflow_id: WorkflowId) -> Sample | None:
    workflow = tx.workflows.get(workflow_id)
    if workflow is None or workflow.stopped_at is None or workflow.status not in _RUNS:
        return None
    outcome = _RUNS[workflow.status]
    branch = tx.insights.branch_of(workflow_id)
    place = (workflow.project_id, workflow.name, branch)
    recoveries, recovery_ms = 0, 0
    if outcome is Outcome.FAILED:
        tx.insights.failed(*place, workflow.stopped_at)
    elif outcome is Outcome.SUCCESS:
        recoveries, recovery_ms = tx.insights.recovered(*place, workflow.stopped_at)
    return Sample(
        project_id=workflow.project_id,
        workflow=workflow.name,
        job=WHOLE,
        branch=branch,
        outcome=outcome,
        duration_ms=_millis(workflow.created_at, workflow.stopped_at),
        credits=tx.insights.credits_of(workflow_id),
        started_at=workflow.created_at,
        ended_at=workflow.stopped_at,
        recoveries=recoveries,
        recovery_ms=recovery_ms,
    )


def _of_job(tx: Tx, job: Job | None, named: dict[WorkflowId, tuple[str, str]]) -> Sample | None:
    if job is None or job.type is not JobType.BUILD or job.status not in _JOBS:
        return None
    if job.started_at is None or job.stopped_at is None:
        return None
    if job.workflow_id not in named:
        workflow = tx.workflows.get(job.workflow_id)
        if workflow is None:
            return None
        named[workflow.id] = workflow.name, tx.insights.branch_of(workflow.id)
    workflow_name, branch = named[job.workflow_id]
    duration = _millis(job.started_at, job.stopped_at)
    return Sample(
        project_id=job.project_id,
        workflow=workflow_name,
        job=job.name,
        branch=branch,
        outcome=_JOBS[job.status],
        duration_ms=duration,
        credits=compute_units(duration, job.parallelism, job.resource_class),
        started_at=job.started_at,
        ended_at=job.stopped_at,
    )


def _millis(begin: Micros, end: Micros) -> int:
    return max(0, end - begin) // MILLISECOND
