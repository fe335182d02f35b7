"""What holds for all projects of an organization, and the end of it."""

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.errors import Invalid
from roundel.domain.projects import Organization
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.forms import Fields
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.refusals import refused_on
from roundel.web.settings_pages import done, limits_of, refuse_scopes, show

LIMITS = {
    "max_running_jobs": "Jobs at once",
    "keep_logs_days": "Keep output for days",
    "keep_pipelines_days": "Keep pipelines for days",
}
# What refusals begin with, and the field that is meant.
_FIELDS: Fields = {f"{word}:": (name, "") for name, word in LIMITS.items()}
_MEANT: Fields = {"Nothing was deleted.": ("confirm", "")}
FLAGS = ("block_new_work", "approve_strangers")


async def overview(visit: Visit[Organization], *, problem: str = "", status: int = 200) -> Response:
    organization = visit.subject
    return await show(
        visit,
        organization,
        "organization_overview.html",
        problem=problem,
        status=status,
        settings=await visit.app.reads.organization_settings(organization.id),
    )


@refused_on(overview, _FIELDS)
async def change(visit: Visit[Organization]) -> Response:
    """Take the form as a whole: a box that is not ticked is off, an empty number is no limit."""
    changes: dict[str, object] = {name: visit.field(name) == "1" for name in FLAGS}
    changes |= limits_of(visit, LIMITS)
    cases = visit.hall.use_cases
    await cases.change_organization_settings(visit.subject.id, changes)
    return done(address_of.settings(visit.subject), "saved")


@refused_on(overview, _MEANT)
async def remove(visit: Visit[Organization]) -> Response:
    """Remove it with all that it has; its slug, written out, says that it is meant."""
    refuse_scopes(visit.actor)
    if visit.field("confirm").strip() != visit.subject.slug:
        raise Invalid(
            f"Nothing was deleted. To delete it, write {visit.subject.slug} into the field."
        )
    await visit.hall.use_cases.organizations.remove(visit.subject)
    return done("/pipelines")


_ROOT = "/settings/organization/{vcs}/{organization}"

PAGES: list[AnyPage] = [
    Page(
        method="GET",
        path=_ROOT,
        need=Need.READ,
        handler=overview,
        subject=subjects.organization,
    ),
    Page(
        method="POST",
        path=_ROOT,
        need=Need.ADMINISTER,
        handler=change,
        subject=subjects.organization,
        deed="patchOrganizationSettings",
    ),
    Page(
        method="POST",
        path=f"{_ROOT}/delete",
        need=Need.ADMINISTER,
        handler=remove,
        subject=subjects.organization,
        deed="deleteOrganization",
    ),
]
