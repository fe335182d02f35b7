"""Rollbacks of deploys, and how a project wants them."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from roundel.api.operations import AnyOperation, Call, Operation
from roundel.api.schemas.common import Uuid
from roundel.api.v2.definitions import PROJECT_BY_ID
from roundel.api.v2.pipelines import check_parameters
from roundel.domain.access import Need
from roundel.domain.definitions import DefinitionId
from roundel.domain.projects import Project
from roundel.services.rollbacks import Rollback

SETTINGS = "/deploy/projects/{project_id}/settings"


class RollbackBody(msgspec.Struct):
    environment_name: str
    component_name: str
    current_version: str
    target_version: str
    namespace: str | None = None
    parameters: dict[str, Any] | None = None
    reason: str | None = None


class RolledBackShown(msgspec.Struct):
    id: Uuid
    rollback_type: str


class DeploySettings(msgspec.Struct):
    """Without a definition a rollback runs the workflow again that deployed the version."""

    rollback_pipeline_definition_id: Uuid | UnsetType = UNSET


class DeploySettingsChange(msgspec.Struct):
    rollback_pipeline_definition_id: str | None


def _shown(definition: str | None) -> DeploySettings:
    return DeploySettings(definition or UNSET)


async def roll_back(call: Call[Project, RollbackBody]) -> RolledBackShown:
    body = call.body
    parameters = body.parameters or {}
    check_parameters(parameters)
    started = await call.door.use_cases.rollbacks.start(
        Rollback(
            project=call.subject,
            by=call.actor,
            component=body.component_name,
            environment=body.environment_name,
            current_version=body.current_version,
            target_version=body.target_version,
            namespace=body.namespace or "",
            reason=body.reason or "",
            parameters=parameters,
        )
    )
    return RolledBackShown(started.id, started.type.value)


async def settings(call: Call[Project, None]) -> DeploySettings:
    chosen = await call.app.reads.project_settings(call.subject.id)
    return _shown(chosen.rollback_pipeline_definition_id)


async def change_settings(call: Call[Project, DeploySettingsChange]) -> DeploySettings:
    wanted = call.body.rollback_pipeline_definition_id
    definition = None if wanted is None else DefinitionId(wanted.lower())
    return _shown(await call.door.use_cases.rollbacks.choose(call.subject, definition, call.actor))


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="POST",
        path="/projects/{project_id}/rollback",
        id="rollbackProject",
        summary="Rollback a project",
        tag="Rollback",
        need=Need.WRITE,
        subject=PROJECT_BY_ID,
        handler=roll_back,
        body=RollbackBody,
        answer=RolledBackShown,
        status=202,
    ),
    Operation(
        method="GET",
        path=SETTINGS,
        id="getDeploySettings",
        summary="How a project wants its rollbacks",
        tag="Deploy",
        need=Need.READ,
        subject=PROJECT_BY_ID,
        handler=settings,
        answer=DeploySettings,
        extension=True,
    ),
    Operation(
        method="PATCH",
        path=SETTINGS,
        id="patchDeploySettings",
        summary="Choose the pipeline definition that rollbacks run",
        tag="Deploy",
        need=Need.WRITE,
        subject=PROJECT_BY_ID,
        handler=change_settings,
        body=DeploySettingsChange,
        answer=DeploySettings,
        extension=True,
    ),
]
