"""Workflows: what they do next, and their end on request."""

from dataclasses import replace

from roundel.domain.access import Actor
from roundel.domain.clock import Micros
from roundel.domain.errors import NotFound
from roundel.domain.flows import WORKFLOW_ENDED
from roundel.domain.ids import PersonId, WorkflowId
from roundel.domain.jobs import ENDED, Job, JobStatus
from roundel.domain.records import dataclass
from roundel.domain.workflows import Workflow
from roundel.services.advancing import advance_after, advance_workflow
from roundel.services.stopping import stop_job
from roundel.services.work import App, Tx

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
    stopped: list[Job] = []
    kept = tx.workflows.layout(workflow.id).kept
    for slot in tx.workflows.slots(workflow.id):
        if slot.name in kept:
            continue  # it goes on in the workflow that it is of
        if slot.job_id is None or slot.status is JobStatus.BLOCKED or slot.status in ENDED:
            continue
        job = tx.jobs.get(slot.job_id)
        if job is not None:
            stopped += [job] if stop_job(tx, job, by=by, at=at) else []
    advance_workflow(tx, workflow.id, at)
    for job in stopped:
        advance_after(tx, job, at)  # in reruns that have kept it


def expire_workflow(tx: Tx, workflow_id: WorkflowId, at: Micros) -> None:
    """Cancel a workflow that has not ended within its time."""
    workflow = tx.workflows.get(workflow_id)
    if workflow is not None:
        cancel_in(tx, workflow, NOBODY, at)
