"""Looking up what a path names, and whose it is: the basis of every right."""

from roundel.domain.contexts import Context, ContextId
from roundel.domain.definitions import (
    Definition,
    DefinitionId,
    PipelineTrigger,
    PipelineTriggerId,
)
from roundel.domain.groups import Group, GroupId
from roundel.domain.ids import PipelineId, ScheduleId, WorkflowId, is_uuid
from roundel.domain.projects import VCS_WORDS, Organization, Project, Slug
from roundel.domain.records import dataclass
from roundel.domain.usage import ExportId, UsageExport
from roundel.domain.views import JobView, PipelineView, ScheduleView, WorkflowView
from roundel.domain.webhooks import WebhookId, WebhookView
from roundel.web.page import Found, Path
from roundel.web.ports import WebApp

HIGHEST_NUMBER = 2**31 - 1  # what databases store in a number's column


@dataclass(frozen=True, slots=True)
class PipelineHere:
    """A pipeline with its project."""

    project: Project
    view: PipelineView


@dataclass(frozen=True, slots=True)
class WorkflowHere:
    """A workflow with its pipeline and project."""

    project: Project
    pipeline: PipelineView
    view: WorkflowView


@dataclass(frozen=True, slots=True)
class JobHere:
    """A job with where it is."""

    project: Project
    view: JobView


@dataclass(frozen=True, slots=True)
class WebhookHere:
    """A webhook with its project."""

    project: Project
    view: WebhookView


@dataclass(frozen=True, slots=True)
class DefinitionHere:
    """A pipeline definition with its project."""

    project: Project
    definition: Definition


@dataclass(frozen=True, slots=True)
class TriggerHere:
    """A trigger with its definition and project."""

    project: Project
    definition: Definition
    trigger: PipelineTrigger


@dataclass(frozen=True, slots=True)
class ContextHere:
    """A context with its organization."""

    organization: Organization
    context: Context


@dataclass(frozen=True, slots=True)
class GroupHere:
    """A group with its organization."""

    organization: Organization
    group: Group


async def organization(app: WebApp, path: Path) -> Found[Organization] | None:
    """Find an organization by its slug."""
    vcs = VCS_WORDS.get(path["vcs"])
    found = None if vcs is None else await app.reads.organization(vcs, path["organization"])
    return None if found is None else Found(found.id, found)


async def context(app: WebApp, path: Path) -> Found[ContextHere] | None:
    """Find a context of an organization by its id."""
    found, text = await organization(app, path), path["context"]
    if found is None or found.thing is None:
        return None
    context = await app.reads.secrets.context(ContextId(text.lower())) if is_uuid(text) else None
    if context is None or context.organization_id != found.organization:
        return Found(found.organization, None)
    return Found(found.organization, ContextHere(found.thing, context))


async def group(app: WebApp, path: Path) -> Found[GroupHere] | None:
    """Find a group of an organization by its id."""
    found, text = await organization(app, path), path["group"]
    if found is None or found.thing is None:
        return None
    group = await app.groups.group(GroupId(text.lower())) if is_uuid(text) else None
    if group is None or group.organization_id != found.organization:
        return Found(found.organization, None)
    return Found(found.organization, GroupHere(found.thing, group))


async def usage_export(app: WebApp, path: Path) -> Found[UsageExport] | None:
    """Find what an organization has asked for of its usage, by its id."""
    found, text = await organization(app, path), path["export"]
    if found is None:
        return None
    export = await app.usage.export(ExportId(text.lower())) if is_uuid(text) else None
    if export is None or export.organization_id != found.organization:
        return Found(found.organization, None)
    return Found(found.organization, export)


async def project(app: WebApp, path: Path) -> Found[Project] | None:
    """Find a project by its slug."""
    vcs = VCS_WORDS.get(path["vcs"])
    if vcs is None:
        return None
    slug = Slug(vcs=vcs, organization=path["organization"], project=path["project"])
    found = await app.reads.project(slug)
    return None if found is None else Found(found.organization.id, found)


async def webhook(app: WebApp, path: Path) -> Found[WebhookHere] | None:
    """Find a webhook of a project by its id."""
    found, text = await project(app, path), path["webhook"]
    if found is None or found.thing is None:
        return None
    view = await app.webhooks.webhook(WebhookId(text.lower())) if is_uuid(text) else None
    if view is None or view.webhook.project_id != found.thing.id:
        return Found(found.organization, None)
    return Found(found.organization, WebhookHere(found.thing, view))


async def schedule(app: WebApp, path: Path) -> Found[ScheduleView] | None:
    """Find a schedule of a project by its id."""
    found, text = await project(app, path), path["schedule"]
    if found is None or found.thing is None:
        return None
    view = await app.reads.schedule(ScheduleId(text.lower())) if is_uuid(text) else None
    if view is None or view.project.id != found.thing.id:
        return Found(found.organization, None)
    return Found(found.organization, view)


async def definition(app: WebApp, path: Path) -> Found[DefinitionHere] | None:
    """Find a pipeline definition of a project by its id."""
    found, text = await project(app, path), path["definition"]
    if found is None or found.thing is None:
        return None
    one = await app.definitions.definition(DefinitionId(text.lower())) if is_uuid(text) else None
    if one is None or one.project_id != found.thing.id:
        return Found(found.organization, None)
    return Found(found.organization, DefinitionHere(found.thing, one))


async def trigger(app: WebApp, path: Path) -> Found[TriggerHere] | None:
    """Find a trigger of a definition by its id."""
    found, text = await definition(app, path), path["trigger"]
    if found is None or found.thing is None:
        return None if found is None else Found(found.organization, None)
    here = found.thing
    one = await app.definitions.trigger(PipelineTriggerId(text.lower())) if is_uuid(text) else None
    if one is None or one.definition_id != here.definition.id:
        return Found(found.organization, None)
    return Found(found.organization, TriggerHere(here.project, here.definition, one))


async def pipeline(app: WebApp, path: Path) -> Found[PipelineHere] | None:
    """Find a pipeline by project and number."""
    found = await project(app, path)
    if found is None or found.thing is None:
        return None
    number = path["number"]
    view = None
    if number <= HIGHEST_NUMBER:
        view = await app.reads.pipeline_by_number(found.thing.id, number)
    here = None if view is None else PipelineHere(found.thing, view)
    return Found(found.organization, here)


async def workflow(app: WebApp, path: Path) -> Found[WorkflowHere] | None:
    """Find a workflow by pipeline and id."""
    found = await pipeline(app, path)
    if found is None or found.thing is None:
        return None
    here, text = found.thing, path["workflow"]
    view = await app.reads.workflow(WorkflowId(text.lower())) if is_uuid(text) else None
    if view is None or view.workflow.pipeline_id != here.view.pipeline.id:
        return Found(found.organization, None)
    return Found(found.organization, WorkflowHere(here.project, here.view, view))


async def job(app: WebApp, path: Path) -> Found[JobHere] | None:
    """Find a job by project and number; the pipeline and workflow of the path must be its own."""
    found = await project(app, path)
    if found is None or found.thing is None:
        return None
    number = path["job"]
    view = await app.reads.job(found.thing.id, number) if number <= HIGHEST_NUMBER else None
    if view is None:
        return Found(found.organization, None)
    return Found(found.organization, JobHere(found.thing, view))


async def pipeline_by_id(app: WebApp, path: Path) -> Found[PipelineHere] | None:
    """Find a pipeline by its id."""
    text = path["pipeline"]
    view = await app.reads.pipeline(PipelineId(text.lower())) if is_uuid(text) else None
    if view is None:
        return None
    found = await app.reads.project_by_id(view.pipeline.project_id)
    return None if found is None else Found(found.organization.id, PipelineHere(found, view))
