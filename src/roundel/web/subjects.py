"""Looking up what a path names, and whose it is: the basis of every right."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

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

Outer = TypeVar("Outer")
Inner = TypeVar("Inner")
Here = TypeVar("Here")

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


async def _below(
    outer: Found[Outer] | None,
    text: str,
    read: Callable[[str], Awaitable[Inner | None]],
    here: Callable[[Outer, Inner], Here | None],
) -> Found[Here] | None:
    """Return what an id names below an outer thing; `here` is None for what belongs elsewhere."""
    if outer is None or outer.thing is None:
        return None if outer is None else Found(outer.organization, None)
    inner = await read(text.lower()) if is_uuid(text) else None
    return Found(outer.organization, None if inner is None else here(outer.thing, inner))


async def organization(app: WebApp, path: Path) -> Found[Organization] | None:
    """Find an organization by its slug."""
    vcs = VCS_WORDS.get(path["vcs"])
    found = None if vcs is None else await app.reads.organization(vcs, path["organization"])
    return None if found is None else Found(found.id, found)


async def context(app: WebApp, path: Path) -> Found[ContextHere] | None:
    """Find a context of an organization by its id."""
    return await _below(
        await organization(app, path),
        path["context"],
        lambda id_: app.reads.secrets.context(ContextId(id_)),
        lambda owner, it: ContextHere(owner, it) if it.organization_id == owner.id else None,
    )


async def group(app: WebApp, path: Path) -> Found[GroupHere] | None:
    """Find a group of an organization by its id."""
    return await _below(
        await organization(app, path),
        path["group"],
        lambda id_: app.groups.group(GroupId(id_)),
        lambda owner, it: GroupHere(owner, it) if it.organization_id == owner.id else None,
    )


async def usage_export(app: WebApp, path: Path) -> Found[UsageExport] | None:
    """Find what an organization has asked for of its usage, by its id."""
    return await _below(
        await organization(app, path),
        path["export"],
        lambda id_: app.usage.export(ExportId(id_)),
        lambda owner, it: it if it.organization_id == owner.id else None,
    )


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
    return await _below(
        await project(app, path),
        path["webhook"],
        lambda id_: app.webhooks.webhook(WebhookId(id_)),
        lambda owner, it: WebhookHere(owner, it) if it.webhook.project_id == owner.id else None,
    )


async def schedule(app: WebApp, path: Path) -> Found[ScheduleView] | None:
    """Find a schedule of a project by its id."""
    return await _below(
        await project(app, path),
        path["schedule"],
        lambda id_: app.reads.schedule(ScheduleId(id_)),
        lambda owner, it: it if it.project.id == owner.id else None,
    )


async def definition(app: WebApp, path: Path) -> Found[DefinitionHere] | None:
    """Find a pipeline definition of a project by its id."""
    return await _below(
        await project(app, path),
        path["definition"],
        lambda id_: app.definitions.definition(DefinitionId(id_)),
        lambda owner, it: DefinitionHere(owner, it) if it.project_id == owner.id else None,
    )


async def trigger(app: WebApp, path: Path) -> Found[TriggerHere] | None:
    """Find a trigger of a definition by its id."""

    def here(outer: DefinitionHere, it: PipelineTrigger) -> TriggerHere | None:
        if it.definition_id != outer.definition.id:
            return None
        return TriggerHere(outer.project, outer.definition, it)

    return await _below(
        await definition(app, path),
        path["trigger"],
        lambda id_: app.definitions.trigger(PipelineTriggerId(id_)),
        here,
    )


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

    def here(outer: PipelineHere, it: WorkflowView) -> WorkflowHere | None:
        if it.workflow.pipeline_id != outer.view.pipeline.id:
            return None
        return WorkflowHere(outer.project, outer.view, it)

    return await _below(
        await pipeline(app, path),
        path["workflow"],
        lambda id_: app.reads.workflow(WorkflowId(id_)),
        here,
    )


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
