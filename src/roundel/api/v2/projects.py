"""Projects and people."""

from roundel.api.operations import AnyOperation, Call, Operation
from roundel.api.schemas.projects import (
    Collaboration,
    PersonShown,
    ProjectShown,
    collaboration,
    person_shown,
    project_shown,
)
from roundel.api.subjects import PROJECT
from roundel.domain.access import Actor, Need
from roundel.domain.errors import NotFound
from roundel.domain.ids import PersonId, is_uuid
from roundel.domain.projects import Project


async def show(call: Call[Project, None]) -> ProjectShown:
    return project_shown(call.subject)


async def me(call: Call[None, None]) -> PersonShown:
    return person_shown(call.actor)


async def collaborations(call: Call[None, None]) -> list[Collaboration]:
    return [collaboration(it) for it in await call.app.reads.organizations(call.actor)]


async def person(call: Call[None, None]) -> PersonShown:
    """People see those with whom they share an organisation."""
    text = call.path["id"]
    found = await call.app.reads.person(PersonId(text.lower())) if is_uuid(text) else None
    if found is None or not _acquainted(call.actor, found):
        raise NotFound("User not found")
    return person_shown(found)


def _acquainted(one: Actor, other: Actor) -> bool:
    return (
        one.id == other.id
        or one.server_administrator
        or not one.roles.keys().isdisjoint(other.roles.keys())
    )


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/project/{project-slug}",
        id="getProjectBySlug",
        summary="Get a project",
        tag="Project",
        need=Need.READ,
        subject=PROJECT,
        handler=show,
        answer=ProjectShown,
    ),
    Operation(
        method="GET",
        path="/me",
        id="getCurrentUser",
        summary="User Information",
        tag="User",
        need=Need.SIGNED_IN,
        handler=me,
        answer=PersonShown,
    ),
    Operation(
        method="GET",
        path="/me/collaborations",
        id="getCollaborations",
        summary="Collaborations",
        tag="User",
        need=Need.SIGNED_IN,
        handler=collaborations,
        answer=list[Collaboration],
    ),
    Operation(
        method="GET",
        path="/user/{id}",
        id="getUser",
        summary="User Information",
        tag="User",
        need=Need.SIGNED_IN,
        handler=person,
        answer=PersonShown,
    ),
]
