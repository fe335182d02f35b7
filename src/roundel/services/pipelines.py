"""Pipelines: triggered at once, then fetched, compiled and created behind the answer."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import field, replace

from roundel.domain.access import Actor
from roundel.domain.clock import MINUTE, Micros
from roundel.domain.ids import PipelineId, ScheduleId, TimerId, new_id
from roundel.domain.pipelines import (
    Commit,
    ErrorType,
    Launch,
    Origin,
    Pipeline,
    PipelineError,
    PipelineState,
    Ref,
    Trigger,
    TriggerType,
)
from roundel.domain.plan import Json
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.domain.repositories import Fetched, Trouble
from roundel.domain.skipping import asks_to_skip
from roundel.domain.timers import Timer, TimerKind
from roundel.services.blocking import refuse_if_blocked
from roundel.services.compiling import CompileOutcome, CompileRequest
from roundel.services.cron_triggers import note_cron_triggers
from roundel.services.orbs import orbs_at
from roundel.services.planning import create_workflows
from roundel.services.plans import read_head
from roundel.services.redundancy import cancel_if_overtaken, cancel_redundant
from roundel.services.settling import settle
from roundel.services.sources import Looked, look, read_sources
from roundel.services.values import pipeline_values
from roundel.services.work import App, Tx

COMPILE_TAKEN = 10 * MINUTE  # longer than fetching and compiling may take together

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """What a pipeline that a schedule triggers knows of it.

    `move_on` writes the next tick in the pipeline's transaction; False there is nothing to do.
    """

    move_on: Callable[[Tx], bool]
    schedule_id: ScheduleId | None = None
    name: str | None = None
    workflow: str | None = None  # of a config's own schedule: the only one that runs


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerPipeline:
    """Run a project's config; without a branch or tag, that of the default branch."""

    project: Project
    by: Actor
    ref: Ref = field(default_factory=Ref)
    parameters: Mapping[str, Json] = field(default_factory=dict)
    type: TriggerType = TriggerType.API
    scheduled: Scheduled | None = None
    origin: Origin | None = None  # of a git event's
    launch: Launch | None = None  # of another definition than the project's own
    received_at: Micros | None = None
    overtaken: bool = False  # by a newer push, so that it makes nothing redundant


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """A pipeline that was accepted, and what its repository said while it was."""

    pipeline: Pipeline
    project: Project
    fetched: Fetched | Trouble | None


async def trigger_pipeline(command: TriggerPipeline, app: App) -> Triggered | None:
    """Accept a pipeline under the project's next number.

    A branch or tag that is not there is refused.  Whatever else is wrong with the repository or
    its config is found behind the answer and makes the pipeline `errored`.  None comes back, and
    nothing is made, if the commit asks for no pipeline.
    """
    looked = await look(command.project, command.ref, app, launch=command.launch)
    scheduled = command.scheduled
    by_config = scheduled is not None and scheduled.workflow is not None
    if looked.commit is not None and asks_to_skip(looked.commit) and not by_config:
        return None
    at = app.clock.now()

    def transaction(tx: Tx) -> Triggered | None:
        refuse_if_blocked(tx, command.project.id)
        if scheduled is not None and not scheduled.move_on(tx):
            return None
        return accept_pipeline(tx, command, looked, app.instance, at)

    return await app.database.write(transaction)


def accept_pipeline(
    tx: Tx, command: TriggerPipeline, looked: Looked, instance: str, at: Micros
) -> Triggered:
    """Write a pipeline that is wanted, under the project's next number.

    The timer row brings it on after a crash; until then it counts as taken by this process, whose
    next step is `create_pipeline`.  One that is held has no timer: it waits for its approval.
    """
    project, scheduled, origin = command.project, command.scheduled, command.origin
    pipeline = Pipeline(
        id=PipelineId(new_id()),
        project_id=project.id,
        number=tx.projects.take_pipeline_number(project.id),
        state=PipelineState.PENDING,
        trigger=Trigger(
            type=command.type,
            received_at=command.received_at or at,
            actor_id=command.by.id or None,
            actor_login=command.by.login,
            actor_avatar_url=command.by.avatar_url,
        ),
        ref=looked.ref,
        parameters=command.parameters,
        created_at=at,
        updated_at=at,
        commit=looked.commit,
        scheduled_workflow=None if scheduled is None else scheduled.workflow,
        schedule_id=None if scheduled is None else scheduled.schedule_id,
        schedule_name=None if scheduled is None else scheduled.name,
        origin=origin,
        launch=command.launch,
    )
    tx.pipelines.add(pipeline)
    if origin is None or not origin.held:
        tx.timers.add(compile_timer(pipeline.id, instance, at))
    if not command.overtaken:
        cancel_redundant(tx, pipeline, project, at)
    return Triggered(pipeline=pipeline, project=project, fetched=looked.fetched)


def compile_timer(pipeline_id: PipelineId, instance: str, at: Micros) -> Timer:
    """Return the timer of a pipeline that this process goes on with at once."""
    return Timer(
        id=TimerId(new_id()),
        kind=TimerKind.COMPILE,
        subject=pipeline_id,
        run_at=Micros(at + COMPILE_TAKEN),
        owner=instance,
    )


async def create_pipeline(triggered: Triggered, app: App) -> None:
    """Fetch, compile and create the workflows of an accepted pipeline, or make it errored.

    Doing it again after it is done changes nothing.
    """
    pipeline, project = triggered.pipeline, triggered.project
    found = await read_sources(pipeline, project, triggered.fetched, app)
    if isinstance(found, Trouble):
        outcome = CompileOutcome(
            errors=(PipelineError(type=ErrorType.CONFIG_FETCH, message=found.message),)
        )
        commit, source = found.commit or pipeline.commit, None
    else:
        commit, source = _with_login(found.commit, pipeline.commit), found.text
        config = found.config
        outcome = await app.compiler.compile(
            CompileRequest(
                text=config.text,
                file=config.file,
                parameters=pipeline.parameters,
                values=pipeline_values(pipeline, project, commit, config.file, found),
                orbs=orbs_at(found.config_project, config.commit.revision, app, found.address),
                scope=project.id,
            )
        )
        if (await app.reads.organization_settings(project.organization.id)).config_policies:
            from roundel.services.policies import apply_policies

            outcome = await apply_policies(pipeline, project, config.text, outcome, app)
    await _settle(pipeline.id, commit, source, outcome, app)


def _with_login(read: Commit, told: Commit | None) -> Commit:
    """Return a commit as it was read, with whose account at the host wrote it."""
    login = "" if told is None or told.revision != read.revision else told.author_login
    return replace(read, author_login=read.author_login or login)


async def _settle(
    pipeline_id: PipelineId,
    commit: Commit | None,
    source: str | None,
    outcome: CompileOutcome,
    app: App,
) -> None:
    """Write the second transaction: the plan and its workflows, or the errors."""
    at = app.clock.now()
    head = None if outcome.plan is None else read_head(outcome.plan)

    def transaction(tx: Tx) -> None:
        tx.timers.remove_for(TimerKind.COMPILE, pipeline_id)
        pipeline = tx.pipelines.get(pipeline_id)
        if pipeline is None or pipeline.state is not PipelineState.PENDING:
            return
        settled = settle(tx, replace(pipeline, commit=commit), source, outcome, head, at)
        tx.pipelines.save(settled, pipeline.state)
        # A remote repository tells only now what the commit says.
        skipped = commit is not None and asks_to_skip(commit)
        skipped = skipped and settled.scheduled_workflow is None
        if head is not None and settled.state is not PipelineState.ERRORED and not skipped:
            create_workflows(tx, settled, head, at)
            note_cron_triggers(tx, settled, head, at)
            cancel_if_overtaken(tx, settled, at)

    await app.database.write(transaction)


async def load_triggered(pipeline_id: PipelineId, app: App) -> Triggered | None:
    """Return an accepted pipeline whose process ended before it was created."""
    view = await app.reads.pipeline(pipeline_id)
    if view is None or view.pipeline.state is not PipelineState.PENDING:
        return None
    project = await app.reads.project_by_id(view.pipeline.project_id)
    if project is None:
        return None
    return Triggered(pipeline=view.pipeline, project=project, fetched=None)


async def give_up_pipeline(pipeline_id: PipelineId, app: App) -> None:
    """Make a pipeline errored that failed again and again for reasons of ours."""
    message = "Roundel could not create this pipeline. The fault is Roundel's; its log says more."
    outcome = CompileOutcome(errors=(PipelineError(type=ErrorType.OTHER, message=message),))
    view = await app.reads.pipeline(pipeline_id)
    commit = None if view is None else view.pipeline.commit
    await _settle(pipeline_id, commit, None, outcome, app)
