"""What an organization lets configs do: whether policies judge them, from where URL orbs come."""

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.errors import Invalid
from roundel.domain.ids import PersonId, is_uuid
from roundel.domain.orbs import UrlOrbId
from roundel.domain.policies import DecisionFilter
from roundel.domain.projects import Organization
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.forms import Fields
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.refusals import refused_on
from roundel.web.settings_pages import done, show

NEWEST = 20  # decisions that the page shows


_FIELDS: Fields = {
    "name:": ("name", "Name:"),
    "prefix:": ("prefix", "Prefix:"),
    "The allow-list has this prefix": ("prefix", ""),
}


async def policies(visit: Visit[Organization], *, problem: str = "", status: int = 200) -> Response:
    organization, reads = visit.subject, visit.app.policies
    settings = await visit.app.reads.organization_settings(organization.id)
    projects = await visit.app.reads.projects(visit.actor)
    bundle = await reads.bundle(organization.id)
    authors = [
        await visit.app.reads.person(PersonId(it)) for it in {it.created_by for it in bundle}
    ]
    return await show(
        visit,
        organization,
        "organization_policies.html",
        problem=problem,
        status=status,
        enabled=settings.config_policies,
        bundle=bundle,
        people={it.id: it.login for it in authors if it is not None},
        decisions=await reads.decisions(organization.id, DecisionFilter(), offset=0, limit=NEWEST),
        projects={it.id: it for it in projects},
    )


@refused_on(policies)
async def switch(visit: Visit[Organization]) -> Response:
    if visit.field("enabled") not in ("0", "1"):
        raise Invalid("enabled: expected 0 or 1")
    enabled = visit.field("enabled") == "1"
    await visit.hall.use_cases.policies.switch(visit.subject.id, enabled)
    return done(f"{address_of.settings(visit.subject)}/policies", "saved")


async def orbs(visit: Visit[Organization], *, problem: str = "", status: int = 200) -> Response:
    return await show(
        visit,
        visit.subject,
        "organization_orbs.html",
        problem=problem,
        status=status,
        entries=await visit.app.reads.url_orbs(visit.subject.id),
    )


@refused_on(orbs, _FIELDS)
async def allow(visit: Visit[Organization]) -> Response:
    await visit.hall.use_cases.allow_url_orbs(
        visit.subject.id, visit.field("name"), visit.field("prefix"), visit.actor
    )
    return done(f"{address_of.settings(visit.subject)}/orbs", "added")


@refused_on(orbs)
async def forbid(visit: Visit[Organization]) -> Response:
    text = visit.field("entry").lower()
    if not is_uuid(text):
        raise Invalid("entry: expected what the form says")
    await visit.hall.use_cases.forbid_url_orbs(visit.subject.id, UrlOrbId(text), visit.actor)
    return done(f"{address_of.settings(visit.subject)}/orbs", "removed")


_ROOT = "/settings/organization/{vcs}/{organization}"

PAGES: list[AnyPage] = [
    Page(
        method="GET",
        path=f"{_ROOT}/policies",
        need=Need.READ,
        handler=policies,
        subject=subjects.organization,
    ),
    Page(
        method="POST",
        path=f"{_ROOT}/policies",
        need=Need.ADMINISTER,
        handler=switch,
        subject=subjects.organization,
        deed="SetDecisionSettings",
    ),
    Page(
        method="GET",
        path=f"{_ROOT}/orbs",
        need=Need.READ,
        handler=orbs,
        subject=subjects.organization,
    ),
    Page(
        method="POST",
        path=f"{_ROOT}/orbs",
        need=Need.ADMINISTER,
        handler=allow,
        subject=subjects.organization,
        deed="createUrlOrbAllowListEntry",
    ),
    Page(
        method="POST",
        path=f"{_ROOT}/orbs/remove",
        need=Need.ADMINISTER,
        handler=forbid,
        subject=subjects.organization,
        deed="removeUrlOrbAllowListEntry",
    ),
]
