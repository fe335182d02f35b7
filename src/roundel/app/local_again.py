"""Running again what the last run of a checkout has left, with the files as they are now."""

from dataclasses import replace

from roundel.app.engine import Engine
from roundel.app.local_wanted import Again, CannotRunHere
from roundel.domain.access import Actor
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import JobId, PipelineId
from roundel.domain.pipelines import Commit
from roundel.domain.projects import Project
from roundel.domain.reruns import Choice
from roundel.domain.runners import JobOrder
from roundel.domain.views import WorkflowView
from roundel.services.reruns import RerunWorkflow, rerun_workflow

RECENT = 20  # pipelines to look at: those of dry runs and errors have no workflows
MOST_WORKFLOWS = 1000
NO_RUN = "there is no run of this checkout to go on from: run it first"
NOTHING_FAILED = "all workflows of the last run have succeeded: there is nothing to run again"


async def run_again(again: Again, engine: Engine, project: Project, by: Actor) -> PipelineId:
    """Start the reruns in the last pipeline that had workflows, and return that.

    Raise CannotRunHere if there is nothing to run again, Invalid where the rerun is refused.
    """
    pipeline, workflows = await _last(engine, project)
    ended = {view.workflow.workspace_id: view for view in workflows}
    if again.job is not None:
        view, job = await _job(again.job, list(ended.values()), engine)
        await _rerun(view, Choice(jobs=(job,)), engine, by)
        return pipeline
    failed = [view for view in ended.values() if view.workflow.status is not WorkflowStatus.SUCCESS]
    if not failed:
        raise CannotRunHere(NOTHING_FAILED)
    for view in failed:
        choice = Choice(from_failed=True)
        if again.failed_tests:
            choice = replace(choice, failed_tests=True)
        await _rerun(view, choice, engine, by)
    return pipeline


async def has_job(again: Again, engine: Engine, project: Project) -> None:
    """Raise CannotRunHere unless the last run had the job that is to be run again."""
    _, workflows = await _last(engine, project)
    ended = {view.workflow.workspace_id: view for view in workflows}
    if again.job is not None:
        await _job(again.job, list(ended.values()), engine)


async def _last(engine: Engine, project: Project) -> tuple[PipelineId, list[WorkflowView]]:
    for view in await engine.reads.pipelines(projects=[project.id], limit=RECENT):
        found = await engine.reads.workflows(view.pipeline.id, limit=MOST_WORKFLOWS)
        if found:
            return view.pipeline.id, list(found)
    raise CannotRunHere(NO_RUN)


async def _job(
    name: str, workflows: list[WorkflowView], engine: Engine
) -> tuple[WorkflowView, JobId]:
    names: set[str] = set()
    for view in workflows:
        for slot in await engine.reads.slots(view.workflow.id):
            if slot.job.name == name:
                return view, slot.job.id
            names.add(slot.job.name)
    there = ", ".join(sorted(names))
    raise CannotRunHere(f"the last run had no job {name!r}; it had: {there}")


async def _rerun(view: WorkflowView, choice: Choice, engine: Engine, by: Actor) -> None:
    await rerun_workflow(RerunWorkflow(workflow=view.workflow.id, by=by, choice=choice), engine)


def of_today(order: JobOrder, commit: Commit) -> JobOrder:
    """Return the order of a job with today's files instead of those of its pipeline."""
    if order.checkout is None:
        return order
    environment = dict(order.environment)
    if "CIRCLE_SHA1" in environment:
        environment["CIRCLE_SHA1"] = commit.revision
    return replace(
        order, checkout=replace(order.checkout, revision=commit.revision), environment=environment
    )
