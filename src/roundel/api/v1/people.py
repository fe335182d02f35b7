"""Who am I, and which projects are there for me."""

from roundel.api.operations import V1, AnyOperation, Call, Operation
from roundel.api.schemas.people import Followed, Me, followed
from roundel.api.schemas.people import me as me_shown
from roundel.domain.access import Need
from roundel.domain.projects import Project


async def me(call: Call[None, None]) -> Me:
    return me_shown(call.actor, await _visible(call))


async def projects(call: Call[None, None]) -> list[Followed]:
    return [followed(project) for project in await _visible(call)]


async def _visible(call: Call[None, None]) -> list[Project]:
    return [
        project
        for project in await call.app.reads.projects(call.actor)
        if call.actor.may(Need.READ, project.organization.id)
    ]


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/me",
        id="meV1",
        summary="The signed-in user",
        tag="v1.1",
        need=Need.SIGNED_IN,
        handler=me,
        prefix=V1,
        answer=Me,
    ),
    Operation(
        method="GET",
        path="/projects",
        id="projectsV1",
        summary="All projects that you follow",
        tag="v1.1",
        need=Need.SIGNED_IN,
        handler=projects,
        prefix=V1,
        answer=list[Followed],
    ),
]
