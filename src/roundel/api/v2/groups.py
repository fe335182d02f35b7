"""Groups of an organisation's members."""

from roundel.api.binding import whole_number
from roundel.api.operations import PAGE_TOKEN, AnyOperation, Call, Operation, Query
from roundel.api.paging import PAGE_SIZE, page, read_token, token
from roundel.api.schemas.common import Message, Page
from roundel.api.schemas.organizations import CreateGroup, GroupShown, group_shown
from roundel.api.subjects import GROUP, ORGANIZATION_BY_ID
from roundel.domain.access import Need
from roundel.domain.groups import Group, GroupId
from roundel.domain.projects import Organization

MOST_SHOWN = 100
LIMIT = Query(name="limit", summary="How many to show, at most 100; 20 if not given.", type=int)


async def listed(call: Call[Organization, None]) -> Page[GroupShown]:
    size = whole_number(call.query, "limit", PAGE_SIZE, MOST_SHOWN) or PAGE_SIZE
    after = read_token("groups", call.query.get("page-token"))
    rows = await call.app.groups.groups(
        call.subject.id,
        after=None if after is None else (after[0], GroupId(after[1])),
        limit=size + 1,
    )
    shown, last = page(rows, size)
    following = None if last is None else token("groups", last.created_at, last.id)
    return Page([group_shown(group) for group in shown], following)


async def create(call: Call[Organization, CreateGroup]) -> GroupShown:
    body = call.body
    made = await call.door.use_cases.organizations.create_group(
        call.subject.id, body.name, body.description
    )
    return group_shown(made)


async def show(call: Call[Group, None]) -> GroupShown:
    return group_shown(call.subject)


async def delete(call: Call[Group, None]) -> Message:
    await call.door.use_cases.organizations.delete_group(call.subject)
    return Message("Group deleted.")


_ALL = "/organizations/{org_id}/groups"
_ONE = _ALL + "/{group_id}"

OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path=_ALL,
        id="getOrganizationGroups",
        summary="Groups in an organization",
        tag="Groups",
        need=Need.READ,
        subject=ORGANIZATION_BY_ID,
        handler=listed,
        answer=Page[GroupShown],
        query=(LIMIT, PAGE_TOKEN),
    ),
    Operation(
        method="POST",
        path=_ALL,
        id="createOrganizationGroup",
        summary="Create group",
        tag="Groups",
        need=Need.ADMINISTER,
        subject=ORGANIZATION_BY_ID,
        handler=create,
        body=CreateGroup,
        answer=GroupShown,
        status=201,
    ),
    Operation(
        method="GET",
        path=_ONE,
        id="getGroup",
        summary="Get a group",
        tag="Groups",
        need=Need.READ,
        subject=GROUP,
        handler=show,
        answer=GroupShown,
    ),
    Operation(
        method="DELETE",
        path=_ONE,
        id="deleteGroup",
        summary="Delete a group",
        tag="Groups",
        need=Need.ADMINISTER,
        subject=GROUP,
        handler=delete,
        answer=Message,
    ),
]
