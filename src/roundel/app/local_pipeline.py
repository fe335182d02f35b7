"""The pipeline of a local run: made, looked at, and ended where a run has left it open."""

from pathlib import Path

from roundel.app.engine import Engine
from roundel.app.local_plan import PlanChange
from roundel.app.local_wanted import MOST_AT_ONCE, CannotRunHere, ConfigErrors, Wanted
from roundel.domain.access import Actor
from roundel.domain.flows import WORKFLOW_ENDED
from roundel.domain.ids import WorkflowId
from roundel.domain.pipelines import Pipeline, PipelineState, Ref
from roundel.domain.plan import JobType
from roundel.domain.projects import Project
from roundel.domain.views import WorkflowView
from roundel.services.claims import settle
from roundel.services.compiling_here import CompilerHere
from roundel.services.pipelines import (
    TriggerPipeline,
    create_pipeline,
    give_up_pipeline,
    trigger_pipeline,
)
from roundel.services.workflows import CancelWorkflow, cancel_workflow

MOST_WORKFLOWS = 1000
_RAN = "ran"  # a file of the state; its time tells when


async def create(engine: Engine, project: Project, ref: Ref, by: Actor, wanted: Wanted) -> Pipeline:
    """Trigger a pipeline and create its workflows; raise what is wrong with its config.

    The mark of an open run is the caller's to remove once nothing of it is open.
    """
    await begin(engine, project, by)
    command = TriggerPipeline(project=project, ref=ref, parameters=wanted.parameters, by=by)
    triggered = await trigger_pipeline(command, engine)
    if triggered is None:
        raise CannotRunHere("the commit asks for no pipeline")
    await create_pipeline(triggered, engine)
    view = await engine.reads.pipeline(triggered.pipeline.id)
    if view is None:
        raise CannotRunHere("the pipeline is gone from the state folder")
    if view.pipeline.state is PipelineState.ERRORED:
        raise errors_of(view.pipeline, engine)
    return view.pipeline


def asks(change: PlanChange) -> bool:
    """Tell whether the plan has approvals at all; most have none, and need no looking for them.

    Nobody knows the plan of a run that goes on from an earlier one.
    """
    plan = change.chosen
    return plan is None or any(
        slot.type is JobType.APPROVAL for flow in plan.workflows for slot in flow.slots
    )


def over(workflows: list[WorkflowView], waiting: set[WorkflowId]) -> bool:
    """Tell whether nothing can happen any more: all has ended, or waits for nobody."""
    return all(
        view.workflow.status in WORKFLOW_ENDED or view.workflow.id in waiting for view in workflows
    )


def mark_of(engine: Engine) -> Path:
    """Return the file that is there while a run is under way, or was when it was killed."""
    return engine.folder.path / "open"


def note_run(engine: Engine) -> None:
    """Note that a run of jobs begins in this state."""
    (engine.folder.path / _RAN).touch()


def last_ran(state: Path) -> int:
    """Return when a run of jobs last began in a state, as a number that grows; 0 for never."""
    try:
        return (state / _RAN).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


async def begin(engine: Engine, project: Project, by: Actor) -> None:
    """Mark that a run is under way; end first what a killed one has left open."""
    mark = mark_of(engine)
    if mark.exists():
        await cancel_open(engine, project, by)
        from roundel.runner.main import known_runner  # not needed where nothing was killed

        known = known_runner(engine.folder.runner)
        if known is not None:  # its jobs are gone, and under way until that is said
            await settle(known, (), engine)
    mark.touch()


async def cancel_open(engine: Engine, project: Project, by: Actor) -> None:
    """End what the last runs have left open, so that nothing of it runs with ours."""
    reads = engine.reads
    recent = await reads.pipelines(projects=[project.id], limit=MOST_AT_ONCE)
    for view in recent:
        if view.pipeline.state is PipelineState.PENDING:
            await give_up_pipeline(view.pipeline.id, engine)
    for view in recent:
        for flow in await reads.workflows(view.pipeline.id, limit=MOST_WORKFLOWS):
            if flow.workflow.status not in WORKFLOW_ENDED:
                command = CancelWorkflow(workflow=flow.workflow.id, by=by)
                await cancel_workflow(command, engine)


def errors_of(pipeline: Pipeline, engine: Engine) -> ConfigErrors:
    """Return the errors of a pipeline, with their places where the compiler has told them."""
    from roundel.compiler import render_problem

    compiler = engine.compiler
    last = compiler.last if isinstance(compiler, CompilerHere) else None
    if last is not None and last.errors:
        return ConfigErrors(tuple(render_problem(problem) for problem in last.errors))
    return ConfigErrors(tuple(error.message for error in pipeline.errors))
