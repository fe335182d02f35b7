"""Who belongs to an organization, in which role, and who is invited."""

from starlette.responses import Response

from roundel.domain.access import Need, Role
from roundel.domain.errors import Invalid
from roundel.domain.projects import Organization
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.forms import Fields
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.refusals import refused_on
from roundel.web.settings_pages import cut, done, refuse_scopes, show

PAGE_SIZE = 50


# What refusals begin with, and the field that is meant.
_FIELDS: Fields = {
    "Say who:": ("login", ""),
    "Nobody is called": ("login", ""),
    "role:": ("role", "Role:"),
    "… is the only administrator": ("role", ""),
}


async def people(visit: Visit[Organization], *, problem: str = "", status: int = 200) -> Response:
    return await _people(visit, problem=problem, status=status)


async def _people(
    visit: Visit[Organization], *, problem: str = "", status: int = 200, link: str = ""
) -> Response:
    organization = visit.subject
    members, last = cut(
        await visit.app.groups.members(
            organization.id, after=visit.query.get("after"), limit=PAGE_SIZE + 1
        ),
        PAGE_SIZE,
    )
    invitations = []
    if visit.actor.may(Need.ADMINISTER, organization.id):
        invitations = list(await visit.app.sessions.invitations_of(organization.id))
    return await show(
        visit,
        organization,
        "organization_people.html",
        problem=problem,
        status=status,
        members=members,
        after=None if last is None else last.person.login,
        first=not visit.query.get("after"),
        invitations=invitations,
        roles=list(Role),
        link=link,
    )


@refused_on(people, _FIELDS)
async def give_role(visit: Visit[Organization]) -> Response:
    """Make somebody a member, or change a member's role."""
    refuse_scopes(visit.actor)
    login = _login(visit)
    await visit.hall.use_cases.organizations.give_role(visit.subject.id, login, _role(visit))
    return _back(visit, "saved")


@refused_on(people)
async def remove(visit: Visit[Organization]) -> Response:
    refuse_scopes(visit.actor)
    await visit.hall.use_cases.organizations.remove_member(visit.subject.id, _login(visit))
    if visit.actor.login == _login(visit) and not visit.actor.server_administrator:
        return done("/pipelines")  # they may not see this page any more
    return _back(visit, "removed")


async def invite_form(visit: Visit[Organization]) -> Response:
    """Lead to where invitations are made; this page was once on its own."""
    return done(f"{address_of.settings(visit.subject)}/people")


@refused_on(people, _FIELDS)
async def invite(visit: Visit[Organization]) -> Response:
    """Make an invitation and show its link, this once."""
    refuse_scopes(visit.actor)
    secret = await visit.hall.use_cases.invite(visit.subject.id, _role(visit), visit.actor)
    return await _people(visit, link=f"{visit.origin}/invitation/{secret}")


@refused_on(people)
async def withdraw(visit: Visit[Organization]) -> Response:
    refuse_scopes(visit.actor)
    try:
        digest = bytes.fromhex(visit.field("invitation"))
    except ValueError as error:
        raise Invalid("invitation: expected what the form says") from error
    await visit.hall.use_cases.withdraw_invitation(visit.subject.id, digest)
    return _back(visit, "removed")


def _login(visit: Visit[Organization]) -> str:
    login = visit.field("login").strip()
    if not login:
        raise Invalid("Say who: the name by which they sign in.")
    return login


def _role(visit: Visit[Organization]) -> Role:
    try:
        return Role(visit.field("role"))
    except ValueError as error:
        raise Invalid("role: expected viewer, contributor or administrator") from error


def _back(visit: Visit[Organization], what: str) -> Response:
    return done(f"{address_of.settings(visit.subject)}/people", what)


_ROOT = "/settings/organization/{vcs}/{organization}"
_PEOPLE = f"{_ROOT}/people"

PAGES: list[AnyPage] = [
    Page(
        method="GET",
        path=_PEOPLE,
        need=Need.READ,
        handler=people,
        subject=subjects.organization,
    ),
    Page(
        method="POST",
        path=_PEOPLE,
        need=Need.ADMINISTER,
        handler=give_role,
        subject=subjects.organization,
        deed="putMember",
    ),
    Page(
        method="POST",
        path=f"{_PEOPLE}/remove",
        need=Need.ADMINISTER,
        handler=remove,
        subject=subjects.organization,
        deed="removeMember",
    ),
    Page(
        method="GET",
        path=f"{_ROOT}/invite",
        need=Need.ADMINISTER,
        handler=invite_form,
        subject=subjects.organization,
    ),
    Page(
        method="POST",
        path=f"{_ROOT}/invite",
        need=Need.ADMINISTER,
        handler=invite,
        subject=subjects.organization,
        deed="invite",
    ),
    Page(
        method="POST",
        path=f"{_ROOT}/invite/withdraw",
        need=Need.ADMINISTER,
        handler=withdraw,
        subject=subjects.organization,
        deed="withdrawInvitation",
    ),
]
