"""The projects of the caller, where CircleCI's own tools look for them."""

import msgspec

from roundel.api.operations import AnyOperation, Call, Operation
from roundel.api.schemas.common import Page
from roundel.domain.access import Need
from roundel.domain.projects import LONG_FORM


class FollowedProject(msgspec.Struct):
    name: str
    slug: str
    vcs_type: str


async def followed(call: Call[None, None]) -> Page[FollowedProject]:
    found = [
        FollowedProject(it.name, str(it.slug), LONG_FORM[it.slug.vcs])
        for it in await call.app.reads.projects(call.actor)
        if call.actor.may(Need.READ, it.organization.id)
    ]
    return Page(found, None)


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/me/followed-projects",
        id="followedProjects",
        summary="The projects that you follow",
        tag="User",
        need=Need.SIGNED_IN,
        handler=followed,
        prefix="/api/private",
        answer=Page[FollowedProject],
    ),
]
