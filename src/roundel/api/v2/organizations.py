"""Organisations and the projects that are made in them."""

from roundel.api.operations import AnyOperation, Call, Operation
from roundel.api.schemas.organizations import (
    CreateOrganization,
    CreateProject,
    OrganizationShown,
    organization_shown,
)
from roundel.api.schemas.projects import ProjectShown, project_shown
from roundel.api.subjects import NAMED_ORGANIZATION
from roundel.domain.access import Need
from roundel.domain.errors import NotAllowed
from roundel.domain.projects import VCS_WORDS, Organization


async def create(call: Call[None, CreateOrganization]) -> OrganizationShown:
    if call.actor.scopes is not None:  # it would administer what its scopes do not cover
        raise NotAllowed("Permission denied.")
    body = call.body
    made = await call.door.use_cases.organizations.create(
        VCS_WORDS[body.vcs_type], body.name, call.actor
    )
    call.door.callers.forget()  # the caller has become its administrator
    return organization_shown(made)


async def show(call: Call[Organization, None]) -> OrganizationShown:
    return organization_shown(call.subject)


async def create_project(call: Call[Organization, CreateProject]) -> ProjectShown:
    made = await call.door.use_cases.organizations.create_project(call.subject, call.body.name)
    return project_shown(made)


_ONE = "/organization/{org-slug-or-id}"

OPERATIONS: list[AnyOperation] = [
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
