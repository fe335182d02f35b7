"""Reruns that a person asks for."""

from dataclasses import field

from roundel.domain.access import Actor
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.ids import WorkflowId
from roundel.domain.records import dataclass
from roundel.domain.reruns import Choice, check_rerun
from roundel.domain.workflows import Workflow
from roundel.services.advancing import advance_workflow
from roundel.services.blocking import refuse_if_blocked
from roundel.services.expiry import refuse_if_outdated
from roundel.services.failed_tests import failed_tests_of
from roundel.services.repeating import Repeat, repeat_workflow
from roundel.services.work import App, Tx

NO_FAILED_TESTS = (
    "rerun_failed_tests: no job of this workflow has results with failed tests;"
    " rerun it with from_failed"
)
NO_SSH = "enable_ssh: SSH into jobs is not supported here; rerun the jobs without it"


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunWorkflow:
    """Run a workflow again, from its stored plan."""

    workflow: WorkflowId
    by: Actor
    choice: Choice = field(default_factory=Choice)
    enable_ssh: bool = False


async def rerun_workflow(command: RerunWorkflow, app: App) -> Workflow:
    """Return the new workflow, which is under way.  Each call makes another."""
    choice = command.choice
    if command.enable_ssh:
        if choice.from_failed or not choice.jobs:
            raise Invalid("enable_ssh: give the jobs to rerun, and not from_failed")
        raise Invalid(NO_SSH)
    at = app.clock.now()

    def transaction(tx: Tx) -> Workflow:
        workflow = tx.workflows.get(command.workflow)
        if workflow is None:
            raise NotFound("Workflow not found")
        refuse_if_blocked(tx, workflow.project_id)
        original = tx.workflows.get(workflow.workspace_id) or workflow
        runs = tx.workflows.runs_of(workflow.workspace_id)
        settings = tx.settings.of_project(workflow.project_id)
        open_too = settings.rerun_while_running and (choice.from_failed or choice.failed_tests)
        check_rerun(workflow, original, runs, at, open_too=open_too)
        refuse_if_outdated(tx, workflow, at)
        repeat = Repeat(workflow=workflow, choice=choice, started_by=command.by.id)
        again = repeat_workflow(tx, repeat, at)
        if choice.failed_tests:
            if not _has_failed_tests(tx, workflow):
                raise Invalid(NO_FAILED_TESTS)
            tx.test_results.limit_to_failed(again.id, workflow.id)
        advance_workflow(tx, again.id, at)
        return again

    return await app.database.write(transaction)


def _has_failed_tests(tx: Tx, workflow: Workflow) -> bool:
    slots = tx.workflows.slots(workflow.id)
    return any(failed_tests_of(tx, workflow.id, slot.name) for slot in slots)
