"""The audit log, for administrators."""

import msgspec

from roundel.api.operations import OWN, PAGE_TOKEN, AnyOperation, Call, Operation
from roundel.api.paging import PAGE_SIZE, named_token, page, read_named_token
from roundel.api.schemas.common import Page, Time, millis
from roundel.api.subjects import ORGANIZATION
from roundel.domain.access import Need
from roundel.domain.audit import AuditEntry
from roundel.domain.errors import NotAllowed
from roundel.domain.ids import OrganizationId
from roundel.domain.projects import Organization

_LIST = "audit"


class EntryShown(msgspec.Struct):
    number: int
    at: Time
    operation: str
    target: str
    status: int
    actor_id: str
    actor_login: str
    organization_id: str | None
    digest: str


class Chain(msgspec.Struct):
    """`first_broken` is the first entry that does not follow from those before it, or null."""

    intact: bool
    first_broken: int | None


async def of_organization(call: Call[Organization, None]) -> Page[EntryShown]:
    return await _page(call, call.subject.id)


async def of_server(call: Call[None, None]) -> Page[EntryShown]:
    only_server_administrators(call)
    return await _page(call, None)


async def check(call: Call[None, None]) -> Chain:
    only_server_administrators(call)
    broken = await call.app.audit.broken()
    return Chain(intact=broken is None, first_broken=broken)


async def _page(
    call: Call[Organization, None] | Call[None, None], organization: OrganizationId | None
) -> Page[EntryShown]:
    before = read_named_token(_LIST, call.query.get("page-token"))
    rows = await call.app.audit.audit(
        organization, before=None if before is None else before[0], limit=PAGE_SIZE + 1
    )
    shown, last = page(rows)
    following = None if last is None else named_token(_LIST, last.number, "")
    return Page([entry_shown(it) for it in shown], following)


def only_server_administrators(call: Call[None, None]) -> None:
    if not call.actor.server_administrator or call.actor.scopes is not None:
        raise NotAllowed("Permission denied.")


def entry_shown(entry: AuditEntry) -> EntryShown:
    deed = entry.deed
    return EntryShown(
        number=entry.number,
        at=millis(entry.at),
        operation=deed.operation,
        target=deed.target,
        status=deed.status,
        actor_id=deed.actor_id,
        actor_login=deed.actor_login,
        organization_id=deed.organization_id,
        digest=entry.digest,
    )


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/organization/{vcs}/{organization}/audit",
        id="listAuditOfOrganization",
        summary="What was changed in an organization through the API, newest first",
        tag="Roundel",
        need=Need.ADMINISTER,
        subject=ORGANIZATION,
        handler=of_organization,
        prefix=OWN,
        answer=Page[EntryShown],
        query=(PAGE_TOKEN,),
        extension=True,
    ),
    Operation(
        method="GET",
        path="/audit",
        id="listAudit",
        summary="What was changed on the server through the API, newest first",
        tag="Roundel",
        need=Need.SIGNED_IN,
        handler=of_server,
        prefix=OWN,
        answer=Page[EntryShown],
        query=(PAGE_TOKEN,),
        extension=True,
    ),
    Operation(
        method="GET",
        path="/audit/chain",
        id="checkAudit",
        summary="Whether the audit log is as it was written",
        tag="Roundel",
        need=Need.SIGNED_IN,
        handler=check,
        prefix=OWN,
        answer=Chain,
        extension=True,
    ),
]
