"""Organisations and the projects that are made in them."""

from roundel.api.errors import Refusal
from roundel.api.operations import AnyOperation, Call, Operation
from roundel.api.schemas.common import Message
from roundel.api.schemas.organizations import (
    CreateOrganization,
    CreateProject,
    OrganizationShown,
    organization_shown,
)
from roundel.api.schemas.projects import ProjectShown, project_shown
from roundel.api.schemas.settings import SettingsShown, settings_shown
from roundel.api.subjects import NAMED_ORGANIZATION, ORGANIZATION_OF_SLUG, PROJECT
from roundel.domain.access import Actor, Need
from roundel.domain.errors import NotAllowed
from roundel.domain.projects import VCS_WORDS, Organization, Project, Slug, Vcs


async def create(call: Call[None, CreateOrganization]) -> OrganizationShown:
    if call.actor.scopes is not None:  # it would administer what its scopes do not cover
        raise NotAllowed("Permission denied.")
    body = call.body
    made = await call.door.use_cases.organizations.create(
        VCS_WORDS[body.vcs_type], body.name, call.actor
    )
    call.tell(made.id, made.id)
    call.door.callers.forget()  # the caller has become its administrator
    return organization_shown(made)


async def show(call: Call[Organization, None]) -> OrganizationShown:
    return organization_shown(call.subject)


async def create_project(call: Call[Organization, CreateProject]) -> ProjectShown:
    made = await call.door.use_cases.organizations.create_project(call.subject, call.body.name)
    return project_shown(made)


async def remove(call: Call[Organization, None]) -> Message:
    _only_whole_tokens(call.actor)
    await call.door.use_cases.organizations.remove(call.subject)
    call.door.callers.forget()
    return Message("Organization deleted.")


async def remove_project(call: Call[Project, None]) -> Message:
    await call.door.use_cases.organizations.remove_project(call.subject)
    return Message("Project deleted.")


async def create_from_repository(call: Call[Organization, None]) -> SettingsShown:
    """Make the project of a slug, if it is not there; the answer is its settings."""
    slug = Slug.parse(call.path["project-slug"])
    if slug.vcs is Vcs.CIRCLECI:
        raise Refusal(405, "Cannot create a standalone project here; use POST …/organization/…")
    project = await call.app.reads.project(slug)
    if project is None:
        cases = call.door.use_cases.organizations
        project = await cases.create_project(call.subject, slug.project)
    return settings_shown(await call.app.reads.project_settings(project.id))


def _only_whole_tokens(actor: Actor) -> None:
    """Refuse tokens with scopes: what is removed is more than any of them covers."""
    if actor.scopes is not None:
        raise NotAllowed("Permission denied.")


_ONE = "/organization/{org-slug-or-id}"

OPERATIONS: list[AnyOperation] = [
    Operation(
        method="DELETE",
        path=_ONE,
        id="deleteOrganization",
        summary="Delete an organization",
        tag="Organization",
        need=Need.ADMINISTER,
        subject=NAMED_ORGANIZATION,
        handler=remove,
        answer=Message,
        status=202,
    ),
    Operation(
        method="POST",
        path="/project/{provider}/{organization}/{project}",
        id="createProjectDeprecated",
        summary="🧪 Create a project",
        tag="Project",
        need=Need.ADMINISTER,
        subject=ORGANIZATION_OF_SLUG,
        handler=create_from_repository,
        answer=SettingsShown,
        status=201,
        deprecated=True,
    ),
    Operation(
        method="DELETE",
        path="/project/{project-slug}",
        id="deleteProjectBySlug",
        summary="Delete a project",
        tag="Project",
        need=Need.ADMINISTER,
        subject=PROJECT,
        handler=remove_project,
        answer=Message,
        status=202,
    ),
    Operation(
        method="POST",
        path="/organization",
        id="createOrganization",
        summary="Create a new organization",
        tag="Organization",
        need=Need.SIGNED_IN,
        handler=create,
        body=CreateOrganization,
        answer=OrganizationShown,
        status=201,
    ),
    Operation(
        method="GET",
        path=_ONE,
        id="getOrganization",
        summary="Get an organization",
        tag="Organization",
        need=Need.READ,
        subject=NAMED_ORGANIZATION,
        handler=show,
        answer=OrganizationShown,
    ),
    Operation(
        method="POST",
        path=f"{_ONE}/project",
        id="createProject",
        summary="Create a new project",
        tag="Project",
        need=Need.ADMINISTER,
        subject=NAMED_ORGANIZATION,
        handler=create_project,
        body=CreateProject,
        answer=ProjectShown,
    ),
]
