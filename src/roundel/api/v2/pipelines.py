"""Pipelines: trigger, lists, details, config."""

from collections.abc import Mapping, Sequence

from roundel.api.binding import flag
from roundel.api.errors import Refusal
from roundel.api.operations import PAGE_TOKEN, AnyOperation, Call, Operation, Query
from roundel.api.paging import PAGE_SIZE, page, read_token, token
from roundel.api.schemas.common import Message, Page
from roundel.api.schemas.pipelines import (
    ConfigShown,
    ContinueBody,
    PipelineShown,
    TriggerBody,
    Triggered,
    config_shown,
    pipeline_shown,
    triggered,
)
from roundel.api.schemas.workflows import WorkflowShown, workflow_shown
from roundel.api.subjects import PIPELINE, PIPELINE_BY_NUMBER, PROJECT, whose
from roundel.api.written import Written
from roundel.domain.access import Need
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.ids import PersonId, PipelineId, ProjectId, WorkflowId
from roundel.domain.pipelines import Ref
from roundel.domain.projects import VCS_WORDS, Project
from roundel.domain.views import PipelineConfig, PipelineView

MOST_PARAMETERS = 100
LONGEST_KEY = 128
LONGEST_VALUE = 512


SKIPPED = "Pipeline was not triggered: the commit message has [ci skip] or [skip ci]."


async def trigger(call: Call[Project, TriggerBody]) -> Triggered:
    body = call.body
    check_parameters(body.parameters)
    if body.branch and body.tag:
        raise Invalid("branch and tag: only one of the two may be given")
    ref = Ref(branch=body.branch or None, tag=body.tag or None)
    pipeline = await call.door.use_cases.trigger_pipeline(
        call.subject, ref, body.parameters, call.actor
    )
    if pipeline is None:  # 200, as the newer published way to run a pipeline answers then
        raise Refusal(200, SKIPPED)
    return triggered(pipeline)


def check_parameters(parameters: Mapping[str, object]) -> None:
    """Refuse what is malformed; undeclared or mistyped parameters make an errored pipeline."""
    if len(parameters) > MOST_PARAMETERS:
        raise Invalid(f"parameters: {len(parameters)} were given, at most {MOST_PARAMETERS} may be")
    for key, value in parameters.items():
        if len(key) > LONGEST_KEY:
            raise Invalid(
                f"parameters: the name {key[:40]!r}... is longer than {LONGEST_KEY} characters"
            )
        if isinstance(value, str) and len(value) > LONGEST_VALUE:
            raise Invalid(f"parameters.{key}: the value is longer than {LONGEST_VALUE} characters")


async def go_on(call: Call[None, ContinueBody]) -> Message:
    body = call.body
    parameters = body.parameters or {}
    check_parameters(parameters)
    pipeline = await call.door.use_cases.continue_pipeline(
        body.continuation_key, body.configuration, parameters
    )
    call.tell(await whose(call.app, pipeline.project_id), pipeline.id)
    return Message("The pipeline was continued.")


async def of_project(call: Call[Project, None]) -> Written[Page[PipelineShown]]:
    return await _page(call, [call.subject.id], branch=call.query.get("branch") or None)


async def mine_of_project(call: Call[Project, None]) -> Written[Page[PipelineShown]]:
    return await _page(call, [call.subject.id], actor_id=call.actor.id)


async def of_organization(call: Call[None, None]) -> Written[Page[PipelineShown]]:
    projects = [
        project
        for project in await call.app.reads.projects(call.actor)
        if call.actor.may(Need.READ, project.organization.id)
    ]
    slug = call.query.get("org-slug")
    if slug:
        wanted = _short(slug)
        projects = [project for project in projects if project.organization.slug == wanted]
        if not projects and not await _is_own(call, wanted):
            raise NotFound("Organization not found")
    actor_id = call.actor.id if flag(call.query, "mine") else None
    return await _page(call, [project.id for project in projects], actor_id=actor_id)


def _short(organization_slug: str) -> str:
    vcs, _, name = organization_slug.partition("/")
    return f"{VCS_WORDS.get(vcs, vcs)}/{name}"


async def _is_own(call: Call[None, None], slug: str) -> bool:
    """Tell whether the caller may read an organisation, which then has no project yet."""
    organizations = await call.app.reads.organizations(call.actor)
    return any(it.slug == slug and call.actor.may(Need.READ, it.id) for it in organizations)


async def _page(
    call: Call[Project, None] | Call[None, None],
    projects: Sequence[ProjectId],
    branch: str | None = None,
    actor_id: PersonId | None = None,
) -> Written[Page[PipelineShown]]:
    before = read_token("pipelines", call.query.get("page-token"))
    rows = await call.app.reads.pipelines(
        projects=projects,
        branch=branch,
        actor_id=actor_id,
        before=None if before is None else (before[0], PipelineId(before[1])),
        limit=PAGE_SIZE + 1,
    )
    shown, last = page(rows)

    def make() -> Page[PipelineShown]:
        following = (
            None if last is None else token("pipelines", last.pipeline.created_at, last.pipeline.id)
        )
        return Page([pipeline_shown(view) for view in shown], following)

    return call.door.pages.page("pipelines", shown, last is not None, make)


async def show(call: Call[PipelineView, None]) -> PipelineShown:
    return pipeline_shown(call.subject)


async def config(call: Call[PipelineView, None]) -> ConfigShown:
    found = await call.app.reads.pipeline_config(call.subject.pipeline.id)
    return config_shown(found or PipelineConfig(source="", compiled=""))


async def workflows(call: Call[PipelineView, None]) -> Page[WorkflowShown]:
    after = read_token("workflows", call.query.get("page-token"))
    rows = await call.app.reads.workflows(
        call.subject.pipeline.id,
        after=None if after is None else (after[0], WorkflowId(after[1])),
        limit=PAGE_SIZE + 1,
    )
    shown, last = page(rows)
    following = (
        None if last is None else token("workflows", last.workflow.created_at, last.workflow.id)
    )
    return Page([workflow_shown(view) for view in shown], following)


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="POST",
        path="/project/{project-slug}/pipeline",
        id="triggerPipeline",
        summary="Trigger a new pipeline",
        tag="Pipeline",
        need=Need.WRITE,
        subject=PROJECT,
        handler=trigger,
        body=TriggerBody,
        body_optional=True,
        answer=Triggered,
        status=201,
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/pipeline",
        id="listPipelinesForProject",
        steady=True,
        summary="Get all pipelines",
        tag="Pipeline",
        need=Need.READ,
        subject=PROJECT,
        handler=of_project,
        answer=Page[PipelineShown],
        query=(Query(name="branch", summary="Only pipelines of this branch."), PAGE_TOKEN),
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/pipeline/mine",
        id="listMyPipelines",
        steady=True,
        summary="Get your pipelines",
        tag="Pipeline",
        need=Need.READ,
        subject=PROJECT,
        handler=mine_of_project,
        answer=Page[PipelineShown],
        query=(PAGE_TOKEN,),
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/pipeline/{pipeline-number}",
        id="getPipelineByNumber",
        steady=True,
        summary="Get a pipeline by pipeline number",
        tag="Pipeline",
        need=Need.READ,
        subject=PIPELINE_BY_NUMBER,
        handler=show,
        answer=PipelineShown,
    ),
    Operation(
        method="GET",
        path="/pipeline",
        id="listPipelines",
        steady=True,
        summary="Get a list of pipelines",
        tag="Pipeline",
        need=Need.SIGNED_IN,
        handler=of_organization,
        answer=Page[PipelineShown],
        query=(
            Query(name="org-slug", summary="Only pipelines of this organization."),
            PAGE_TOKEN,
            Query(name="mine", summary="Only pipelines that you triggered.", type=bool),
        ),
    ),
    Operation(
        method="POST",
        path="/pipeline/continue",
        id="continuePipeline",
        summary="Continue a pipeline",
        tag="Pipeline",
        need=Need.NOTHING,  # the key in the body is the right, and the only one that a job has
        handler=go_on,
        body=ContinueBody,
        answer=Message,
    ),
    Operation(
        method="GET",
        path="/pipeline/{pipeline-id}",
        id="getPipelineById",
        steady=True,
        summary="Get a pipeline by ID",
        tag="Pipeline",
        need=Need.READ,
        subject=PIPELINE,
        handler=show,
        answer=PipelineShown,
    ),
    Operation(
        method="GET",
        path="/pipeline/{pipeline-id}/config",
        id="getPipelineConfigById",
        steady=True,
        summary="Get a pipeline's configuration",
        tag="Pipeline",
        need=Need.READ,
        subject=PIPELINE,
        handler=config,
        answer=ConfigShown,
    ),
    Operation(
        method="GET",
        path="/pipeline/{pipeline-id}/workflow",
        id="listWorkflowsByPipelineId",
        steady=True,
        summary="Get a pipeline's workflows",
        tag="Pipeline",
        need=Need.READ,
        subject=PIPELINE,
        handler=workflows,
        answer=Page[WorkflowShown],
        query=(PAGE_TOKEN,),
    ),
]
