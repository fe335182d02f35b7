"""Rolling a deploy back: to a version that was there before, by the way that the project chose."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from roundel.domain.access import Actor
from roundel.domain.definitions import DefinitionId
from roundel.domain.deploys import MOST_VERSIONS, Version
from roundel.domain.errors import IllegalMove, Invalid, NotFound
from roundel.domain.plan import Json
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.services.definitions import NO_DEFINITION
from roundel.services.launching import RunDefinition, run_definition
from roundel.services.pipelines import Triggered
from roundel.services.reruns import RerunWorkflow, rerun_workflow
from roundel.services.work import App, Tx


class RollbackType(StrEnum):
    """How a rollback is carried out, which says what the id of one names."""

    PIPELINE = "PIPELINE"  # a pipeline of the project's rollback definition
    WORKFLOW_RERUN = "WORKFLOW_RERUN"  # the workflow that deployed the version, once more


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """Put a version of a component back in the place of the one that is live."""

    project: Project
    by: Actor
    component: str
    environment: str
    current_version: str
    target_version: str
    namespace: str = ""
    reason: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """What carries a rollback out.  `triggered` is a pipeline that is to be created still."""

    id: str
    type: RollbackType
    triggered: Triggered | None = None


async def choose_rollback(
    project: Project, definition: DefinitionId | None, app: App
) -> DefinitionId | None:
    """Let rollbacks run a definition of the project, or none; refuse one of another project."""
    if definition is not None:
        found = await app.definitions.definition(definition)
        if found is None or found.project_id != project.id:
            raise NotFound(NO_DEFINITION)
    return definition


async def roll_back(command: Rollback, app: App) -> RolledBack:
    """Start a rollback.

    Refuse a version that was never there (NotFound), and one to be replaced that is not live
    (IllegalMove).
    """
    if command.target_version == command.current_version:
        raise Invalid("target_version: it is the current version")

    def transaction(tx: Tx) -> tuple[Version, str | None]:
        target = _target(tx, command)
        return target, tx.settings.of_project(command.project.id).rollback_pipeline_definition_id

    target, definition = await app.database.write(transaction)
    if definition is None:
        if command.parameters:
            raise Invalid(
                "parameters: the project has no rollback pipeline that could take them; its"
                " workflow is run again as it was"
            )
        again = await rerun_workflow(RerunWorkflow(workflow=target.workflow_id, by=command.by), app)
        return RolledBack(id=again.id, type=RollbackType.WORKFLOW_RERUN)
    triggered = await run_definition(
        RunDefinition(
            project=command.project,
            by=command.by,
            definition=DefinitionId(definition),
            parameters=command.parameters,
            values={
                "pipeline.deploy.component_name": command.component,
                "pipeline.deploy.environment_name": command.environment,
                "pipeline.deploy.current_version": command.current_version,
                "pipeline.deploy.target_version": command.target_version,
                "pipeline.deploy.namespace": command.namespace,
                "pipeline.deploy.reason": command.reason,
            },
        ),
        app,
    )
    if triggered is None:
        raise IllegalMove("The commit of the rollback pipeline asks for no pipeline ([skip ci]).")
    id_ = triggered.pipeline.id
    return RolledBack(id=id_, type=RollbackType.PIPELINE, triggered=triggered)


def _target(tx: Tx, command: Rollback) -> Version:
    """Return the version to go back to."""
    known = tx.deploys.deployed(
        command.project.id, command.component, command.environment, command.namespace
    )
    if not known:
        where = f"{command.environment!r}" + (
            f", namespace {command.namespace!r}" if command.namespace else ""
        )
        raise NotFound(f"Nothing of {command.component!r} was deployed to {where}.")
    live = known[0].name
    if live != command.current_version:
        raise IllegalMove(f"current_version: {command.current_version!r} is not live, {live!r} is.")
    for version in known:
        if version.name == command.target_version:
            return version
    raise NotFound(
        f"target_version: {command.target_version!r} is none of the newest {MOST_VERSIONS} there."
    )
