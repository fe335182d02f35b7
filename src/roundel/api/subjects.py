"""Looking up what a path names, and whose it is: the basis of every right."""

from collections.abc import Mapping

from roundel.api.binding import number_of
from roundel.api.operations import Found, Subject
from roundel.api.readers import ApiApp
from roundel.domain.contexts import Context, ContextId
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.groups import Group, GroupId
from roundel.domain.ids import (
    ExecutionId,
    JobId,
    OrganizationId,
    PipelineId,
    ProjectId,
    ScheduleId,
    WorkflowId,
    is_uuid,
)
from roundel.domain.projects import VCS_WORDS, Organization, Project, Slug
from roundel.domain.views import JobView, PipelineView, ScheduleView, WorkflowView

Path = Mapping[str, str]


async def _project(app: ApiApp, path: Path) -> Found[Project] | None:
    text = path["project-slug"]
    if is_uuid(text):
        project = await app.reads.project_by_id(ProjectId(text.lower()))
    else:
        try:
            slug = Slug.parse(text)
        except NotFound:
            return None
        project = await app.reads.project(slug)
    return None if project is None else Found(project.organization.id, project)


async def whose(app: ApiApp, project_id: ProjectId) -> OrganizationId | None:
    """Return whose project this is."""
    project = await app.reads.project_by_id(project_id)
    return None if project is None else project.organization.id


async def _organization(app: ApiApp, path: Path) -> Found[Organization] | None:
    vcs = VCS_WORDS.get(path["vcs"])
    found = None if vcs is None else await app.reads.organization(vcs, path["organization"])
    return None if found is None else Found(found.id, found)


async def _named_organization(app: ApiApp, path: Path) -> Found[Organization] | None:
    text = path["org-slug-or-id"]
    if is_uuid(text):
        found = await app.reads.organization_by_id(OrganizationId(text.lower()))
    else:
        word, _, name = text.partition("/")
        vcs = VCS_WORDS.get(word)
        found = None if vcs is None else await app.reads.organization(vcs, name)
    return None if found is None else Found(found.id, found)


async def _pipeline(app: ApiApp, path: Path) -> Found[PipelineView] | None:
    text = path["pipeline-id"]
    view = await app.reads.pipeline(PipelineId(text.lower())) if is_uuid(text) else None
    if view is None:
        return None
    project = await app.reads.project_by_id(view.pipeline.project_id)
    return None if project is None else Found(project.organization.id, view)


async def _pipeline_by_number(app: ApiApp, path: Path) -> Found[PipelineView] | None:
    found = await _project(app, path)
    if found is None or found.thing is None:
        return None
    number = number_of(path["pipeline-number"])
    if number is None:
        return Found(found.organization, None)
    return Found(found.organization, await app.reads.pipeline_by_number(found.thing.id, number))


async def _workflow(app: ApiApp, path: Path) -> Found[WorkflowView] | None:
    text = path["id"]
    view = await app.reads.workflow(WorkflowId(text.lower())) if is_uuid(text) else None
    return None if view is None else Found(view.organization_id, view)


async def _schedule(app: ApiApp, path: Path) -> Found[ScheduleView] | None:
    text = path["schedule-id"]
    view = await app.reads.schedule(ScheduleId(text.lower())) if is_uuid(text) else None
    return None if view is None else Found(view.project.organization.id, view)


async def _job(app: ApiApp, path: Path) -> Found[JobView] | None:
    found = await _project(app, path)
    if found is None or found.thing is None:
        return None
    number = number_of(path["job-number"])
    if number is None:
        return Found(found.organization, None)
    return Found(found.organization, await app.reads.job(found.thing.id, number))


async def _job_id(app: ApiApp, path: Path) -> Found[JobId] | None:
    found = await _project(app, path)
    if found is None or found.thing is None:
        return None
    number = number_of(path["job-number"])
    job = None if number is None else await app.reads.numbered_job(found.thing.id, number)
    return Found(found.organization, job)


async def _job_by_id(app: ApiApp, path: Path) -> Found[JobId] | None:
    text = path["job-id"]
    if not is_uuid(text):
        return None
    job = JobId(text.lower())
    owner = await app.reads.job_owner(job)
    return None if owner is None else Found(owner, job)


async def _execution(app: ApiApp, path: Path) -> Found[ExecutionId] | None:
    text = path["execution-id"]
    if not is_uuid(text):
        return None
    execution = ExecutionId(text.lower())
    owner = await app.reads.execution_owner(execution)
    return None if owner is None else Found(owner, execution)


async def _context(app: ApiApp, path: Path) -> Found[Context] | None:
    text = path["context-id"]
    found = await app.reads.secrets.context(ContextId(text.lower())) if is_uuid(text) else None
    return None if found is None else Found(found.organization_id, found)


async def _restricted_context(app: ApiApp, path: Path) -> Found[Context] | None:
    text = path["context_id"]
    if not is_uuid(text):
        raise Invalid("context_id is invalid.")
    return await _context(app, {"context-id": text})


NO_CONTEXT = "Context not found."

CONTEXT = Subject(find=_context, missing=NO_CONTEXT, outside=NO_CONTEXT)
RESTRICTED_CONTEXT = Subject(find=_restricted_context, missing=NO_CONTEXT, outside=NO_CONTEXT)


async def _organization_by_slug(app: ApiApp, path: Path) -> Found[Organization] | None:
    return await _named_organization(app, {"org-slug-or-id": path["org-slug"]})


async def _project_in_parts(app: ApiApp, path: Path) -> Found[Project] | None:
    parts = (path["vcs"], path["organization"], path["project"])
    return await _project(app, {"project-slug": "/".join(parts)})


async def _organization_of_slug(app: ApiApp, path: Path) -> Found[Organization] | None:
    try:
        slug = Slug.parse(path["project-slug"])
    except NotFound:
        return None
    found = await app.reads.organization(slug.vcs, slug.organization)
    return None if found is None else Found(found.id, found)


async def _organization_by_id(app: ApiApp, path: Path) -> Found[Organization] | None:
    text = path["org_id"]
    if not is_uuid(text):
        return None
    return await _named_organization(app, {"org-slug-or-id": text})


async def _group(app: ApiApp, path: Path) -> Found[Group] | None:
    found = await _organization_by_id(app, path)
    if found is None:
        return None
    text = path["group_id"]
    group = await app.groups.group(GroupId(text.lower())) if is_uuid(text) else None
    if group is not None and group.organization_id != found.organization:
        group = None
    return Found(found.organization, group)


NO_PROJECT = "Project not found"
NO_ORGANIZATION = "Organization not found"
PROJECT = Subject(find=_project, missing=NO_PROJECT, outside=NO_PROJECT)
ORGANIZATION = Subject(find=_organization, missing=NO_ORGANIZATION, outside=NO_ORGANIZATION)
NAMED_ORGANIZATION = Subject(
    find=_named_organization,
    missing="Organization does not exist.",
    outside="Organization does not exist.",
)
ORGANIZATION_BY_ID = Subject(
    find=_organization_by_id,
    missing="Organization does not exist.",
    outside="Organization does not exist.",
)
GROUP = Subject(find=_group, missing="Group not found.", outside="Organization does not exist.")
ORGANIZATION_BY_SLUG = Subject(
    find=_organization_by_slug, missing=NO_ORGANIZATION, outside=NO_ORGANIZATION
)
ORGANIZATION_OF_SLUG = Subject(find=_organization_of_slug, missing=NO_PROJECT, outside=NO_PROJECT)
PROJECT_IN_PARTS = Subject(find=_project_in_parts, missing=NO_PROJECT, outside=NO_PROJECT)
PIPELINE = Subject(find=_pipeline, missing="Pipeline not found", outside="Pipeline not found")
PIPELINE_BY_NUMBER = Subject(
    find=_pipeline_by_number, missing="Pipeline not found", outside=NO_PROJECT
)
WORKFLOW = Subject(find=_workflow, missing="Workflow not found", outside="Workflow not found")
SCHEDULE = Subject(find=_schedule, missing="Schedule not found", outside="Schedule not found")
JOB = Subject(find=_job, missing="Job not found", outside=NO_PROJECT)
JOB_ID = Subject(find=_job_id, missing="Job not found", outside=NO_PROJECT)
JOB_BY_ID = Subject(find=_job_by_id, missing="Job not found", outside="Job not found")
EXECUTION = Subject(find=_execution, missing="Job not found", outside="Job not found")
