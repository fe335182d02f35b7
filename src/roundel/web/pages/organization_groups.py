"""Groups of an organization's members, whom contexts can be restricted to."""

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid
from roundel.domain.groups import MOST_GROUPS, GroupId
from roundel.domain.projects import Organization
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.forms import Fields
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.refusals import refused_on
from roundel.web.settings_pages import after_of, cut, done, refuse_scopes, show
from roundel.web.subjects import GroupHere

PAGE_SIZE = 50
MOST_OFFERED = 500  # members that the form suggests; others are written out


_FIELDS: Fields = {
    "name:": ("name", "Name:"),
    "A group named": ("name", ""),
    "description:": ("description", "Description:"),
}
_WHO: Fields = {"Say who:": ("login", ""), "Member not found": ("login", "")}


async def groups(visit: Visit[Organization], *, problem: str = "", status: int = 200) -> Response:
    after = after_of(visit)
    rows, last = cut(
        await visit.app.groups.groups(
            visit.subject.id,
            after=None if after is None else (Micros(after[0]), GroupId(after[1])),
            limit=PAGE_SIZE + 1,
        ),
        PAGE_SIZE,
    )
    return await show(
        visit,
        visit.subject,
        "organization_groups.html",
        problem=problem,
        status=status,
        groups=rows,
        after=None if last is None else f"{last.created_at}.{last.id}",
        first=after is None,
        most=MOST_GROUPS,
    )


@refused_on(groups, _FIELDS)
async def create(visit: Visit[Organization]) -> Response:
    made = await visit.hall.use_cases.organizations.create_group(
        visit.subject.id, visit.field("name"), visit.field("description").strip()
    )
    return done(f"{address_of.settings(visit.subject)}/groups/{made.id}", "added")


async def group(visit: Visit[GroupHere], *, problem: str = "", status: int = 200) -> Response:
    here = visit.subject
    people, last = cut(
        await visit.app.groups.group_members(
            here.group.id, after=visit.query.get("after"), limit=PAGE_SIZE + 1
        ),
        PAGE_SIZE,
    )
    members = await visit.app.groups.members(here.organization.id, limit=MOST_OFFERED)
    inside = {person.id for person in people}
    return await show(
        visit,
        here.organization,
        "organization_group.html",
        problem=problem,
        status=status,
        group=here.group,
        people=people,
        after=None if last is None else last.login,
        first=not visit.query.get("after"),
        others=[it.person for it in members if it.person.id not in inside],
    )


@refused_on(group, _WHO)
async def put(visit: Visit[GroupHere]) -> Response:
    refuse_scopes(visit.actor)
    login = visit.field("login").strip()
    if not login:
        raise Invalid("Say who: the name by which they sign in.")
    await visit.hall.use_cases.organizations.put_in_group(visit.subject.group, login)
    return _back(visit, "added")


@refused_on(group)
async def take(visit: Visit[GroupHere]) -> Response:
    refuse_scopes(visit.actor)
    group = visit.subject.group
    await visit.hall.use_cases.organizations.take_from_group(group, visit.field("login"))
    return _back(visit, "removed")


@refused_on(group)
async def delete(visit: Visit[GroupHere]) -> Response:
    await visit.hall.use_cases.organizations.delete_group(visit.subject.group)
    return done(f"{address_of.settings(visit.subject.organization)}/groups", "removed")


def _back(visit: Visit[GroupHere], what: str) -> Response:
    here = visit.subject
    return done(f"{address_of.settings(here.organization)}/groups/{here.group.id}", what)


_ALL = "/settings/organization/{vcs}/{organization}/groups"
_ONE = _ALL + "/{group}"

PAGES: list[AnyPage] = [
    Page(method="GET", path=_ALL, need=Need.READ, handler=groups, subject=subjects.organization),
    Page(
        method="POST",
        path=_ALL,
        need=Need.ADMINISTER,
        handler=create,
        subject=subjects.organization,
        deed="createOrganizationGroup",
    ),
    Page(method="GET", path=_ONE, need=Need.READ, handler=group, subject=subjects.group),
    Page(
        method="POST",
        path=f"{_ONE}/members",
        need=Need.ADMINISTER,
        handler=put,
        subject=subjects.group,
        deed="putGroupMember",
    ),
    Page(
        method="POST",
        path=f"{_ONE}/members/remove",
        need=Need.ADMINISTER,
        handler=take,
        subject=subjects.group,
        deed="removeGroupMember",
    ),
    Page(
        method="POST",
        path=f"{_ONE}/delete",
        need=Need.ADMINISTER,
        handler=delete,
        subject=subjects.group,
        deed="deleteGroup",
    ),
]
