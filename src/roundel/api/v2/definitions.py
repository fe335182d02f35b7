"""Pipeline definitions, and running them."""

from collections.abc import Mapping

from roundel.api.errors import Refusal
from roundel.api.operations import AnyOperation, Call, Found, Operation, Subject
from roundel.api.readers import ApiApp
from roundel.api.schemas.common import Message
from roundel.api.schemas.definitions import (
    DefinitionBody,
    DefinitionChange,
    Definitions,
    DefinitionShown,
    RefWanted,
    RunBody,
    definition_shown,
)
from roundel.api.schemas.pipelines import Triggered, triggered
from roundel.api.subjects import PROJECT
from roundel.api.v2.pipelines import SKIPPED, check_parameters
from roundel.domain.access import Need
from roundel.domain.definitions import Definition, DefinitionId, SourceProvider
from roundel.domain.errors import Invalid
from roundel.domain.ids import ProjectId, is_uuid
from roundel.domain.pipelines import Ref
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.services.definitions import (
    NO_DEFINITION,
    ChangeDefinition,
    CreateDefinition,
    SourceWanted,
)

NO_PROJECT = "Project not found."


@dataclass(frozen=True, slots=True)
class OfProject:
    """A definition and its project."""

    project: Project
    definition: Definition


async def _project(app: ApiApp, path: Mapping[str, str]) -> Found[Project] | None:
    text = path["project_id"]
    found = await app.reads.project_by_id(ProjectId(text.lower())) if is_uuid(text) else None
    return None if found is None else Found(found.organization.id, found)


async def _definition(app: ApiApp, path: Mapping[str, str]) -> Found[OfProject] | None:
    found = await _project(app, path)
    if found is None or found.thing is None:
        return None
    text, project = path["pipeline_definition_id"], found.thing
    definition = None
    if is_uuid(text):
        definition = await app.definitions.definition(DefinitionId(text.lower()))
    if definition is None or definition.project_id != project.id:
        return Found(found.organization, None)
    return Found(found.organization, OfProject(project, definition))


PROJECT_BY_ID = Subject(find=_project, missing=NO_PROJECT, outside=NO_PROJECT)
DEFINITION = Subject(find=_definition, missing=NO_DEFINITION, outside=NO_PROJECT)


async def of_project(call: Call[Project, None]) -> Definitions:
    rows = await call.app.definitions.definitions(call.subject.id)
    return Definitions([definition_shown(it, call.subject) for it in rows])


async def create(call: Call[Project, DefinitionBody]) -> DefinitionShown:
    body, project = call.body, call.subject
    config, checkout = body.config_source, body.checkout_source
    provider = SourceProvider(config.provider)
    if provider is not SourceProvider.CIRCLECI and config.repo is None:
        raise Invalid("config_source.repo: only a config of circleci has none")
    named = None if config.repo is None else config.repo.external_id
    made = await call.door.use_cases.definitions.create(
        CreateDefinition(
            project=project,
            name=body.name,
            description=body.description,
            config=SourceWanted(provider=provider, external_id=named),
            file_path=config.file_path,
            checkout=SourceWanted(
                provider=SourceProvider(checkout.provider), external_id=checkout.repo.external_id
            ),
        )
    )
    return definition_shown(made, project)


async def show(call: Call[OfProject, None]) -> DefinitionShown:
    return definition_shown(call.subject.definition, call.subject.project)


async def change(call: Call[OfProject, DefinitionChange]) -> DefinitionShown:
    body, before, project = call.body, call.subject.definition, call.subject.project
    wanted = body.checkout_source
    checkout = None
    if wanted is not None and (wanted.provider is not None or wanted.repo is not None):
        kept = before.checkout.provider or SourceProvider.GIT
        checkout = SourceWanted(
            provider=kept if wanted.provider is None else SourceProvider(wanted.provider),
            external_id=None if wanted.repo is None else wanted.repo.external_id,
        )
    after = await call.door.use_cases.definitions.change(
        ChangeDefinition(
            definition=before,
            name=body.name,
            description=body.description,
            file_path=None if body.config_source is None else body.config_source.file_path,
            checkout=checkout,
        ),
        project,
    )
    return definition_shown(after, project)


async def remove(call: Call[OfProject, None]) -> Message:
    await call.door.use_cases.definitions.remove(call.subject.definition)
    return Message("Pipeline definition deleted.")


async def run(call: Call[Project, RunBody]) -> Triggered:
    body = call.body
    check_parameters(body.parameters)
    definition = None
    if body.definition_id is not None:
        if not is_uuid(body.definition_id):
            raise Invalid("definition_id: expected a UUID")
        definition = DefinitionId(body.definition_id.lower())
    pipeline = await call.door.use_cases.definitions.run(
        call.subject,
        definition,
        _ref("config", body.config),
        _ref("checkout", body.checkout),
        (body.config and body.config.content) or "",
        body.parameters,
        call.actor,
    )
    if pipeline is None:
        raise Refusal(200, SKIPPED)
    return triggered(pipeline)


def _ref(name: str, wanted: RefWanted | None) -> Ref:
    if wanted is None:
        return Ref()
    if wanted.branch and wanted.tag:
        raise Invalid(f"{name}: only one of branch and tag may be given")
    return Ref(branch=wanted.branch or None, tag=wanted.tag or None)


LIST = "/projects/{project_id}/pipeline-definitions"
ONE = "/projects/{project_id}/pipeline-definitions/{pipeline_definition_id}"
TAG = "Pipeline Definition"

OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path=LIST,
        id="listPipelineDefinitions",
        summary="List pipeline definitions",
        tag=TAG,
        need=Need.READ,
        subject=PROJECT_BY_ID,
        handler=of_project,
        answer=Definitions,
    ),
    Operation(
        method="POST",
        path=LIST,
        id="createPipelineDefinition",
        summary="Create pipeline definition",
        tag=TAG,
        need=Need.WRITE,
        subject=PROJECT_BY_ID,
        handler=create,
        body=DefinitionBody,
        answer=DefinitionShown,
    ),
    Operation(
        method="GET",
        path=ONE,
        id="getPipelineDefinition",
        summary="Get pipeline definition",
        tag=TAG,
        need=Need.READ,
        subject=DEFINITION,
        handler=show,
        answer=DefinitionShown,
    ),
    Operation(
        method="PATCH",
        path=ONE,
        id="updatePipelineDefinition",
        summary="Update pipeline definition",
        tag=TAG,
        need=Need.WRITE,
        subject=DEFINITION,
        handler=change,
        body=DefinitionChange,
        answer=DefinitionShown,
    ),
    Operation(
        method="DELETE",
        path=ONE,
        id="deletePipelineDefinition",
        summary="Delete pipeline definition",
        tag=TAG,
        need=Need.WRITE,
        subject=DEFINITION,
        handler=remove,
        answer=Message,
    ),
    Operation(
        method="POST",
        path="/project/{provider}/{organization}/{project}/pipeline/run",
        id="triggerPipelineRun",
        summary="[Recommended] Trigger a new pipeline",
        tag="Pipeline",
        need=Need.WRITE,
        subject=PROJECT,
        handler=run,
        body=RunBody,
        body_optional=True,
        answer=Triggered,
        status=201,
    ),
]
