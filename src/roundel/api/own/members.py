"""Members of organisations and of their groups; nothing is published for managing them."""

from collections.abc import Awaitable, Callable
from typing import Any

from roundel.api.operations import OWN, PAGE_TOKEN, AnyOperation, Call, Operation
from roundel.api.paging import named_token, page, read_named_token
from roundel.api.schemas.common import Message, Page
from roundel.api.schemas.organizations import MemberShown, RoleBody, member_shown
from roundel.api.schemas.projects import PersonShown
from roundel.api.subjects import GROUP, ORGANIZATION
from roundel.domain.access import Need, Person, Role
from roundel.domain.errors import NotAllowed
from roundel.domain.groups import Group
from roundel.domain.projects import Organization

_LIST = "members"


async def listed(call: Call[Organization, None]) -> Page[MemberShown]:
    after = read_named_token(_LIST, call.query.get("page-token"))
    rows = await call.app.groups.members(
        call.subject.id, after=None if after is None else after[1], limit=21
    )
    shown, last = page(rows)
    following = None if last is None else named_token(_LIST, 0, last.person.login)
    return Page([member_shown(member) for member in shown], following)


async def put(call: Call[Organization, RoleBody]) -> MemberShown:
    _only_whole_tokens(call)
    member = await call.door.use_cases.organizations.give_role(
        call.subject.id, call.path["login"], Role(call.body.role)
    )
    call.door.callers.forget()
    return member_shown(member)


async def remove(call: Call[Organization, None]) -> Message:
    _only_whole_tokens(call)
    await call.door.use_cases.organizations.remove_member(call.subject.id, call.path["login"])
    call.door.callers.forget()
    return Message("Member removed.")


async def listed_of_group(call: Call[Group, None]) -> Page[PersonShown]:
    after = read_named_token(_LIST, call.query.get("page-token"))
    rows = await call.app.groups.group_members(
        call.subject.id, after=None if after is None else after[1], limit=21
    )
    shown, last = page(rows)
    following = None if last is None else named_token(_LIST, 0, last.login)
    return Page([_shown(person) for person in shown], following)


async def put_in_group(call: Call[Group, None]) -> PersonShown:
    _only_whole_tokens(call)
    return _shown(
        await call.door.use_cases.organizations.put_in_group(call.subject, call.path["login"])
    )


async def take_from_group(call: Call[Group, None]) -> Message:
    _only_whole_tokens(call)
    await call.door.use_cases.organizations.take_from_group(call.subject, call.path["login"])
    return Message("Member removed.")


def _only_whole_tokens(call: Call[Any, Any]) -> None:
    """Refuse tokens with scopes: they could make somebody more than they are themselves."""
    if call.actor.scopes is not None:
        raise NotAllowed("Permission denied.")


def _shown(person: Person) -> PersonShown:
    return PersonShown(person.id, person.login, person.name, person.avatar_url)


_MEMBERS = "/organization/{vcs}/{organization}/member"
_GROUP = "/organization/{org_id}/group/{group_id}/member"


def _operation(
    method: str,
    path: str,
    id_: str,
    summary: str,
    handler: Callable[[Call[Any, Any]], Awaitable[object]],
    answer: object,
    body: type[Any] | None = None,
) -> AnyOperation:
    return Operation(
        method=method,
        path=path,
        id=id_,
        summary=summary,
        tag="Roundel",
        need=Need.READ if method == "GET" else Need.ADMINISTER,
        subject=GROUP if path.startswith(_GROUP) else ORGANIZATION,
        handler=handler,
        prefix=OWN,
        body=body,
        answer=answer,
        query=(PAGE_TOKEN,) if method == "GET" else (),
        extension=True,
    )


OPERATIONS: list[AnyOperation] = [
    _operation(
        "GET", _MEMBERS, "listMembers", "Who belongs to an organization", listed, Page[MemberShown]
    ),
    _operation(
        "PUT",
        _MEMBERS + "/{login}",
        "putMember",
        "Make somebody a member, or change a member's role",
        put,
        MemberShown,
        RoleBody,
    ),
    _operation(
        "DELETE",
        _MEMBERS + "/{login}",
        "removeMember",
        "Take somebody out of an organization and its groups",
        remove,
        Message,
    ),
    _operation(
        "GET", _GROUP, "listGroupMembers", "Who is in a group", listed_of_group, Page[PersonShown]
    ),
    _operation(
        "PUT",
        _GROUP + "/{login}",
        "putGroupMember",
        "Put a member of the organization into a group",
        put_in_group,
        PersonShown,
    ),
    _operation(
        "DELETE",
        _GROUP + "/{login}",
        "removeGroupMember",
        "Take somebody out of a group",
        take_from_group,
        Message,
    ),
]
