"""Approvals: a person lets a held workflow go on."""

from dataclasses import replace

from roundel.domain.access import Actor
from roundel.domain.clock import Micros
from roundel.domain.errors import IllegalMove, NotFound
from roundel.domain.ids import JobId, WorkflowId
from roundel.domain.jobs import JobStatus
from roundel.domain.plan import JobType
from roundel.domain.records import dataclass
from roundel.domain.timers import TimerKind
from roundel.services.advancing import advance_after
from roundel.services.work import App, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveJob:
    """Approve one approval job of a workflow."""

    workflow: WorkflowId
    approval: JobId
    by: Actor


async def approve_job(command: ApproveJob, app: App) -> None:
    """Let the workflow go on.  Approving twice changes nothing; what is not held is refused."""
    at = app.clock.now()

    def transaction(tx: Tx) -> None:
        job = tx.jobs.get(command.approval)
        if job is None or job.workflow_id != command.workflow or job.type is not JobType.APPROVAL:
            raise NotFound("Approval job not found")
        if job.status is JobStatus.SUCCESS:
            return
        if job.status is not JobStatus.ON_HOLD:
            raise IllegalMove(f"{job.name!r} is not waiting for an approval: it is {job.status}")
        approved = replace(
            job,
            status=JobStatus.SUCCESS,
            number=tx.projects.take_job_number(job.project_id),
            approved_by=command.by.id,
            stopped_at=at,
        )
        tx.jobs.save(approved, job.status)
        tx.timers.remove_for(TimerKind.APPROVAL_EXPIRY, job.id)
        advance_after(tx, approved, at)

    await app.database.write(transaction)


def expire_approval(tx: Tx, job_id: JobId, at: Micros) -> None:
    """End the wait for an approval that nobody gave in time."""
    job = tx.jobs.get(job_id)
    if job is None or job.status is not JobStatus.ON_HOLD:
        return
    message = "Nobody approved this within 90 days."
    expired = replace(job, status=JobStatus.CANCELED, stopped_at=at, message=message)
    tx.jobs.save(expired, job.status)
    advance_after(tx, expired, at)
