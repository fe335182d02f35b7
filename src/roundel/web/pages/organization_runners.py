"""Classes of runners elsewhere, their tokens, and who has asked for jobs."""

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.ids import TokenId
from roundel.domain.projects import Organization
from roundel.domain.resource_classes import ResourceClass
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.forms import Fields
from roundel.web.page import NOTHING_HERE, AnyPage, Page, Visit
from roundel.web.refusals import refused_on
from roundel.web.settings_pages import done, refuse_scopes, show

_FIELDS: Fields = {
    "resource_class:": ("name", "Name:"),
    "the resource class": ("name", "The resource class"),
}
_OF_TOKEN: Fields = {"Nickname:": ("nickname", "")}


async def classes(visit: Visit[Organization], *, problem: str = "", status: int = 200) -> Response:
    organization, cases = visit.subject, visit.hall.use_cases
    found = await cases.classes_of(organization.id, visit.actor)
    runners = await cases.runners_of(organization.id, visit.actor)
    return await show(
        visit,
        organization,
        "organization_runners.html",
        problem=problem,
        status=status,
        classes=found,
        runners={it.id: [one for one in runners if one.resource_class.id == it.id] for it in found},
    )


@refused_on(classes, _FIELDS)
async def create(visit: Visit[Organization]) -> Response:
    refuse_scopes(visit.actor)
    name = f"{visit.subject.name}/{visit.field('name').strip()}"
    made = await visit.hall.use_cases.add_resource_class(
        name, visit.field("description").strip(), visit.actor
    )
    return done(_address(visit.subject, made), "added")


async def one_class(
    visit: Visit[Organization], *, problem: str = "", status: int = 200
) -> Response:
    return await _one_class(visit, problem=problem, status=status)


async def _one_class(
    visit: Visit[Organization], *, problem: str = "", status: int = 200, secret: str = ""
) -> Response:
    organization, cases = visit.subject, visit.hall.use_cases
    found = await _class(visit)
    tokens = await cases.tokens_of(organization.id, visit.actor)
    runners = await cases.runners_of(organization.id, visit.actor)
    waiting, running = await cases.runner_tasks(found.name, visit.actor)
    return await show(
        visit,
        organization,
        "organization_runner_class.html",
        problem=problem,
        status=status,
        resource_class=found,
        tokens=[it for it in tokens if it.resource_class.id == found.id],
        runners=[it for it in runners if it.resource_class.id == found.id],
        waiting=waiting,
        running=running,
        secret=secret,
    )


async def _class(visit: Visit[Organization]) -> ResourceClass:
    wanted = visit.path["class_id"].lower()
    for it in await visit.hall.use_cases.classes_of(visit.subject.id, visit.actor):
        if it.id == wanted:
            return it
    raise NotFound(NOTHING_HERE)


@refused_on(one_class, _OF_TOKEN)
async def make_token(visit: Visit[Organization]) -> Response:
    """Make a token and show it, this once."""
    refuse_scopes(visit.actor)
    found = await _class(visit)
    nickname = visit.field("nickname").strip()
    if not nickname:
        raise Invalid("Nickname: name the machine or the fleet that will have the token.")
    _, text = await visit.hall.use_cases.add_runner_token(found.name, nickname, visit.actor)
    return await _one_class(visit, secret=text)


@refused_on(one_class)
async def remove_token(visit: Visit[Organization]) -> Response:
    refuse_scopes(visit.actor)
    found, text = await _class(visit), visit.field("token").lower()
    tokens = await visit.hall.use_cases.tokens_of(visit.subject.id, visit.actor)
    if text not in {it.id for it in tokens if it.resource_class.id == found.id}:
        raise NotFound("This token is not there any more.")
    await visit.hall.use_cases.remove_runner_token(TokenId(text), visit.actor)
    return done(_address(visit.subject, found), "revoked")


@refused_on(one_class)
async def delete(visit: Visit[Organization]) -> Response:
    """Remove a class with its tokens; the page has said what that ends."""
    refuse_scopes(visit.actor)
    found = await _class(visit)
    await visit.hall.use_cases.remove_resource_class(found.id, visit.actor, force=True)
    return done(f"{address_of.settings(visit.subject)}/runners", "removed")


def _address(organization: Organization, it: ResourceClass) -> str:
    return f"{address_of.settings(organization)}/runners/{it.id}"


_ALL = "/settings/organization/{vcs}/{organization}/runners"
_ONE = _ALL + "/{class_id}"

PAGES: list[AnyPage] = [
    Page(method="GET", path=_ALL, need=Need.READ, handler=classes, subject=subjects.organization),
    Page(
        method="POST",
        path=_ALL,
        need=Need.ADMINISTER,
        handler=create,
        subject=subjects.organization,
        deed="createResourceClass",
    ),
    Page(method="GET", path=_ONE, need=Need.READ, handler=one_class, subject=subjects.organization),
    Page(
        method="POST",
        path=f"{_ONE}/tokens",
        need=Need.ADMINISTER,
        handler=make_token,
        subject=subjects.organization,
        deed="createRunnerToken",
    ),
    Page(
        method="POST",
        path=f"{_ONE}/tokens/remove",
        need=Need.ADMINISTER,
        handler=remove_token,
        subject=subjects.organization,
        deed="deleteRunnerToken",
    ),
    Page(
        method="POST",
        path=f"{_ONE}/delete",
        need=Need.ADMINISTER,
        handler=delete,
        subject=subjects.organization,
        deed="forceDeleteResourceClass",
    ),
]
