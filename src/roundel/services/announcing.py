"""Telling the outside: outbox rows, written in the transaction that made them true."""

from roundel.domain.clock import Micros
from roundel.domain.ids import ProjectId, new_id
from roundel.domain.jobs import Job
from roundel.domain.outbox import EventKind, OutboxEvent
from roundel.domain.workflows import Workflow
from roundel.services.showing import show_job, show_workflow
from roundel.services.work import TIMERS, Tx


def announce_job(tx: Tx, job: Job, at: Micros) -> None:
    """Put a job's end into the outbox."""
    tx.outbox.add(
        OutboxEvent(
            id=new_id(),
            kind=EventKind.JOB_COMPLETED,
            project_id=job.project_id,
            subject=job.id,
            facts={"name": job.name, "number": job.number, "status": job.status.value},
            at=at,
        )
    )
    show_job(tx, job, at)
    _hurry(tx, job.project_id)


def announce_workflow(tx: Tx, workflow: Workflow, at: Micros) -> None:
    """Put a workflow's end into the outbox."""
    tx.outbox.add(
        OutboxEvent(
            id=new_id(),
            kind=EventKind.WORKFLOW_COMPLETED,
            project_id=workflow.project_id,
            subject=workflow.id,
            facts={"name": workflow.name, "status": workflow.status.value},
            at=at,
        )
    )
    show_workflow(tx, workflow, at)
    _hurry(tx, workflow.project_id)


def _hurry(tx: Tx, project_id: ProjectId) -> None:
    """Wake who empties the outbox, where somebody waits for the news."""
    if tx.webhooks.of_project(project_id):
        tx.wake(TIMERS)
