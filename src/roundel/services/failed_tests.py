"""Reruns of failed tests: which tests failed in the run that a workflow repeats."""

from roundel.domain.ids import ProjectId, WorkflowId
from roundel.domain.jobs import Job
from roundel.domain.storage import FailedTest
from roundel.services.work import Tx

MOST = 20_000  # of one job; with more, all tests are run


def failed_tests_for(tx: Tx, job: Job) -> tuple[FailedTest, ...] | None:
    """Return the tests that a job is limited to; None where it runs all of them."""
    before = tx.test_results.limited_to_failed_of(job.workflow_id)
    return None if before is None else failed_tests_of(tx, before, job.name)


def failed_tests_of(tx: Tx, workflow_id: WorkflowId, job: str) -> tuple[FailedTest, ...] | None:
    """Return the tests that failed in a job of a workflow.

    None where none did, or nothing is known, or they are too many to be told apart.  A job that
    broke off before it had results counts as what it was limited to itself.
    """
    current: WorkflowId | None = workflow_id
    while current is not None:
        ran = next((it.job_id for it in tx.workflows.slots(current) if it.name == job), None)
        if ran is None:
            return None
        if found := tx.test_results.failed(ran, MOST + 1):
            return tuple(found) if len(found) <= MOST else None
        if tx.test_results.has_any(ran):
            return None
        current = tx.test_results.limited_to_failed_of(current)
    return None


def newest_run(tx: Tx, project: ProjectId, workflow: str) -> WorkflowId | None:
    """Return the last run of a workflow of a project, whatever became of it."""
    return tx.workflows.newest_named(project, workflow)
