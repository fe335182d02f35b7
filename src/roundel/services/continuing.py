"""Dynamic config: a setup job hands over the config with which its pipeline goes on."""

from collections.abc import Mapping
from dataclasses import field, replace

from roundel.domain.clock import HOUR, Micros
from roundel.domain.errors import Invalid, Unauthenticated
from roundel.domain.ids import PipelineId
from roundel.domain.pipelines import Commit, Pipeline, PipelineState
from roundel.domain.plan import Json
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.services.compiling import CompileOutcome, CompileRequest
from roundel.services.orbs import Orbs, orbs_at
from roundel.services.planning import create_workflows
from roundel.services.plans import PlanHead, read_head
from roundel.services.policies import apply_policies
from roundel.services.redundancy import cancel_if_overtaken
from roundel.services.settling import SETUP_AGAIN, settle
from roundel.services.values import pipeline_values
from roundel.services.work import App, Tx
from roundel.vault.continuation import pipeline_of_key

CONTINUABLE = 6 * HOUR
NOT_IN_SETUP = "Pipeline is not in setup state."
TWICE = "This configuration has continued the pipeline already."
NO_PLAN = "The configuration has no workflows."
CONFLICT = "Conflicting pipeline parameters."
FILE = ".circleci/config.yml"  # what messages call the config that was handed over


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinuePipeline:
    """Go on with `configuration`; the key says which pipeline, and that the caller may."""

    unverified_key: str
    configuration: str
    parameters: Mapping[str, Json] = field(default_factory=dict)


async def continue_pipeline(command: ContinuePipeline, app: App) -> Pipeline:
    """Create the workflows of the continuation, or make the pipeline errored; return it as it was.

    Wrong parameters are refused and leave the pipeline as it is; mistakes in the config are found
    in the pipeline's errors, as after a trigger.  Of several calls only the first one counts.

    Where the project allows several continuations, each later one adds its workflows, and mistakes
    in it are refused, as the pipeline goes on already.  The same one again is refused too.
    """
    pipeline, project = await _in_setup(command, app)
    further = pipeline.state is not PipelineState.SETUP
    outcome = await _compile(command, pipeline, project, app)
    refused = [it.message for it in outcome.errors if it.message.startswith("Unexpected argument")]
    if further:
        refused = [it.message for it in outcome.errors]
    if refused:
        raise Invalid(refused[0])
    outcome = await apply_policies(pipeline, project, command.configuration, outcome, app)
    at = app.clock.now()
    head = None if outcome.plan is None else read_head(outcome.plan)

    def transaction(tx: Tx) -> None:
        now = tx.pipelines.get(pipeline.id)
        if now is not None and _goes_on(tx, now):
            _add(tx, now, outcome, head, at)
            return
        if now is None or now.state is not PipelineState.SETUP:
            raise Invalid(NOT_IN_SETUP)
        settled = settle(tx, now, command.configuration, outcome, head, at)
        tx.pipelines.save(settled, now.state)
        if head is not None and settled.state is PipelineState.CREATED:
            create_workflows(tx, settled, head, at)
            cancel_if_overtaken(tx, settled, at)

    await app.database.write(transaction)
    return pipeline


def _goes_on(tx: Tx, pipeline: Pipeline) -> bool:
    """Tell whether a pipeline that was continued may be continued once more."""
    if pipeline.state is not PipelineState.CREATED or pipeline.setup_plan is None:
        return False
    return tx.settings.of_project(pipeline.project_id).several_continuations


def _add(
    tx: Tx, pipeline: Pipeline, outcome: CompileOutcome, head: PlanHead | None, at: Micros
) -> None:
    """Add the workflows of a further continuation to its pipeline."""
    if outcome.errors or outcome.plan is None or head is None:
        raise Invalid(outcome.errors[0].message if outcome.errors else NO_PLAN)
    if head.setup:
        raise Invalid(SETUP_AGAIN)
    stored = tx.documents.put(outcome.plan)
    if tx.workflows.came_from(pipeline.id, stored):
        raise Invalid(TWICE)
    tx.orbs.lock(pipeline.id, outcome.orbs)
    create_workflows(tx, pipeline, head, at, stored=stored)
    cancel_if_overtaken(tx, pipeline, at)


async def _in_setup(command: ContinuePipeline, app: App) -> tuple[Pipeline, Project]:
    pipeline_id = pipeline_of_key(app.signing_key(), command.unverified_key)
    view = None if pipeline_id is None else await app.reads.pipeline(PipelineId(pipeline_id))
    if view is None:
        raise Unauthenticated("The continuation key is not valid.")
    pipeline = view.pipeline
    since = pipeline.updated_at
    if pipeline.state is not PipelineState.SETUP:
        if not await app.database.write(lambda tx: _goes_on(tx, pipeline)):
            raise Invalid(NOT_IN_SETUP)
        since = pipeline.created_at
    if app.clock.now() - since > CONTINUABLE:
        raise Invalid("The continuation key has expired: it is good for 6 hours.")
    project = await app.reads.project_by_id(pipeline.project_id)
    if project is None:
        raise Unauthenticated("The continuation key is not valid.")
    return pipeline, project


async def _compile(
    command: ContinuePipeline, pipeline: Pipeline, project: Project, app: App
) -> CompileOutcome:
    """Compile with what was passed here, and what the trigger gave where that is declared."""
    commit = pipeline.commit or Commit(revision="")
    values = pipeline_values(pipeline, project, commit, FILE)
    twice = [name for name in command.parameters if name in pipeline.parameters]
    if twice:
        await _refuse_conflicts(twice, pipeline, project, values, app)
    return await app.compiler.compile(
        CompileRequest(
            text=command.configuration,
            file=FILE,
            parameters=command.parameters,
            values=values,
            optional=pipeline.parameters,
            orbs=_orbs(pipeline, project, commit, app),
            scope=project.id,
        )
    )


def _orbs(pipeline: Pipeline, project: Project, commit: Commit, app: App) -> Orbs:
    address = "" if pipeline.in_fork is None else pipeline.in_fork[0]
    return orbs_at(project, commit.revision, app, address)


async def _refuse_conflicts(
    names: list[str], pipeline: Pipeline, project: Project, values: Mapping[str, Json], app: App
) -> None:
    """Refuse names to which the trigger gave another value than the setup config's default.

    The defaults are those of the setup config when nothing is passed to it.
    """
    config = await app.reads.pipeline_config(pipeline.id)
    source = None if config is None else config.setup_source
    if source is None:
        return
    commit = pipeline.commit or Commit(revision="")
    request = CompileRequest(
        text=source,
        file=FILE,
        parameters={},
        values=values,
        orbs=_orbs(pipeline, project, commit, app),
        scope=project.id,
    )
    plain = await app.compiler.compile(request)
    given = await app.compiler.compile(replace(request, parameters=pipeline.parameters))
    declared = {} if given.plan is None else read_head(given.plan).parameters
    defaults = {} if plain.plan is None else read_head(plain.plan).parameters
    for name in names:
        if name in declared and defaults.get(name) != pipeline.parameters[name]:
            raise Invalid(CONFLICT)
