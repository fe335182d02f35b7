"""From where organisations allow URL orbs."""

import msgspec

from roundel.api.operations import AnyOperation, Call, Operation
from roundel.api.schemas.common import Message, Page, Uuid
from roundel.api.subjects import NAMED_ORGANIZATION
from roundel.domain.access import Need
from roundel.domain.errors import NotFound
from roundel.domain.ids import is_uuid
from roundel.domain.orbs import UrlOrbId
from roundel.domain.projects import Organization

_PATH = "/organization/{org-slug-or-id}/url-orb-allow-list"


class AllowListEntry(msgspec.Struct):
    id: Uuid
    name: str
    prefix: str


class AllowBody(msgspec.Struct):
    name: str
    prefix: str


class Allowed(msgspec.Struct):
    id: Uuid
    message: str


async def entries(call: Call[Organization, None]) -> Page[AllowListEntry]:
    found = await call.app.reads.url_orbs(call.subject.id)
    return Page([AllowListEntry(it.id, it.name, it.prefix) for it in found], None)


async def allow(call: Call[Organization, AllowBody]) -> Allowed:
    body = call.body
    made = await call.door.use_cases.allow_url_orbs(
        call.subject.id, body.name, body.prefix, call.actor
    )
    return Allowed(made.id, "URL orb allow-list entry created.")


async def forbid(call: Call[Organization, None]) -> Message:
    text = call.path["allow-list-entry-id"]
    if not is_uuid(text):
        raise NotFound("Allow-list entry not found.")
    await call.door.use_cases.forbid_url_orbs(call.subject.id, UrlOrbId(text.lower()), call.actor)
    return Message("URL orb allow-list entry removed.")


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path=_PATH,
        id="listUrlOrbAllowListEntries",
        summary="List URL orb allow-list",
        tag="Organization",
        need=Need.READ,
        subject=NAMED_ORGANIZATION,
        handler=entries,
        answer=Page[AllowListEntry],
    ),
    Operation(
        method="POST",
        path=_PATH,
        id="createUrlOrbAllowListEntry",
        summary="Create URL orb allow-list entry",
        tag="Organization",
        need=Need.ADMINISTER,
        subject=NAMED_ORGANIZATION,
        handler=allow,
        body=AllowBody,
        answer=Allowed,
        status=201,
    ),
    Operation(
        method="DELETE",
        path=_PATH + "/{allow-list-entry-id}",
        id="removeUrlOrbAllowListEntry",
        summary="Remove URL orb allow-list entry",
        tag="Organization",
        need=Need.ADMINISTER,
        subject=NAMED_ORGANIZATION,
        handler=forbid,
        answer=Message,
    ),
]
