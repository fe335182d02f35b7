"""Contexts: their variables, whose values nobody is shown, and who may use them."""

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.clock import Micros
from roundel.domain.contexts import (
    MOST_VARIABLES,
    ContextId,
    OwnerKind,
    Restriction,
    RestrictionId,
    RestrictionType,
    SecretOwner,
)
from roundel.domain.errors import Invalid
from roundel.domain.groups import MOST_GROUPS
from roundel.domain.ids import is_uuid
from roundel.domain.projects import Organization
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.forms import Fields
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.refusals import refused_on
from roundel.web.settings_pages import OF_VARIABLE, after_of, cut, done, show
from roundel.web.subjects import ContextHere

PAGE_SIZE = 50
ALL_MEMBERS = "All members"


_FIELDS: Fields = {"name:": ("name", "Name:"), "A context named": ("name", "")}
_RESTRICTED: Fields = {
    "Restriction:": ("restricted_to", ""),
    "restriction_value: not an expression:": ("restricted_to", "This is not an expression:"),
    "restriction_value:": ("restricted_to", "Restriction:"),
    "Project does not exist": ("restricted_to", ""),
    "Group does not exist": ("restricted_to", ""),
    "The restriction you're": ("restricted_to", ""),
}


async def contexts(visit: Visit[Organization], *, problem: str = "", status: int = 200) -> Response:
    after = after_of(visit)
    rows, last = cut(
        await visit.app.reads.secrets.contexts(
            visit.subject.id,
            after=None if after is None else (Micros(after[0]), ContextId(after[1])),
            limit=PAGE_SIZE + 1,
        ),
        PAGE_SIZE,
    )
    return await show(
        visit,
        visit.subject,
        "organization_contexts.html",
        problem=problem,
        status=status,
        contexts=rows,
        after=None if last is None else f"{last.created_at}.{last.id}",
        first=after is None,
    )


@refused_on(contexts, _FIELDS)
async def create(visit: Visit[Organization]) -> Response:
    name = visit.field("name").strip()
    made = await visit.hall.use_cases.secrets.create_context(visit.subject.id, name)
    return done(f"{address_of.settings(visit.subject)}/contexts/{made.id}", "added")


async def context(visit: Visit[ContextHere], *, problem: str = "", status: int = 200) -> Response:
    organization, context = visit.subject.organization, visit.subject.context
    owner = SecretOwner(kind=OwnerKind.CONTEXT, id=context.id, organization_id=organization.id)
    secrets, groups = visit.app.reads.secrets, visit.app.groups
    projects = [
        it
        for it in await visit.app.reads.projects(visit.actor)
        if it.organization.id == organization.id
    ]
    return await show(
        visit,
        organization,
        "organization_context.html",
        problem=problem,
        status=status,
        context=context,
        variables=await secrets.variables(owner, limit=MOST_VARIABLES),
        restrictions=[
            (it, _name(it, organization)) for it in await secrets.restrictions(context.id)
        ],
        kinds=RestrictionType,
        projects=projects,
        groups=await groups.groups(organization.id, limit=MOST_GROUPS),
        all_members=ALL_MEMBERS,
    )


def _name(restriction: Restriction, organization: Organization) -> str:
    if restriction.value == organization.id:
        return ALL_MEMBERS
    return restriction.name or restriction.value


@refused_on(context, OF_VARIABLE)
async def put_variable(visit: Visit[ContextHere]) -> Response:
    """Add a variable, or replace its value; neither is shown again."""
    name, value = visit.field("variable").strip(), visit.field("value")
    await visit.hall.use_cases.secrets.put_variable(visit.subject.context, name, value)
    return _back(visit, "saved")


@refused_on(context)
async def remove_variable(visit: Visit[ContextHere]) -> Response:
    context = visit.subject.context
    await visit.hall.use_cases.secrets.remove_variable(context, visit.field("variable"))
    return _back(visit, "removed")


@refused_on(context, _RESTRICTED)
async def restrict(visit: Visit[ContextHere]) -> Response:
    kind, value = visit.field("kind"), visit.field("restricted_to").strip()
    if not value:
        raise Invalid("Restriction: choose a project or a group, or write an expression.")
    context = visit.subject.context
    await visit.hall.use_cases.secrets.restrict_context(context, kind, value, None)
    return _back(visit, "added")


@refused_on(context)
async def unrestrict(visit: Visit[ContextHere]) -> Response:
    text = visit.field("restriction").lower()
    if not is_uuid(text):
        raise Invalid("restriction: expected what the form says")
    cases = visit.hall.use_cases.secrets
    await cases.unrestrict_context(visit.subject.context, RestrictionId(text))
    return _back(visit, "removed")


@refused_on(context)
async def delete(visit: Visit[ContextHere]) -> Response:
    await visit.hall.use_cases.secrets.delete_context(visit.subject.context)
    return done(f"{address_of.settings(visit.subject.organization)}/contexts", "removed")


def _back(visit: Visit[ContextHere], what: str) -> Response:
    here = visit.subject
    return done(f"{address_of.settings(here.organization)}/contexts/{here.context.id}", what)


_ALL = "/settings/organization/{vcs}/{organization}/contexts"
_ONE = _ALL + "/{context}"

PAGES: list[AnyPage] = [
    Page(method="GET", path=_ALL, need=Need.READ, handler=contexts, subject=subjects.organization),
    Page(
        method="POST",
        path=_ALL,
        need=Need.WRITE,
        handler=create,
        subject=subjects.organization,
        deed="createContext",
    ),
    Page(method="GET", path=_ONE, need=Need.READ, handler=context, subject=subjects.context),
    Page(
        method="POST",
        path=f"{_ONE}/variables",
        need=Need.WRITE,
        handler=put_variable,
        subject=subjects.context,
        deed="addEnvironmentVariableToContext",
    ),
    Page(
        method="POST",
        path=f"{_ONE}/variables/remove",
        need=Need.WRITE,
        handler=remove_variable,
        subject=subjects.context,
        deed="deleteEnvironmentVariableFromContext",
    ),
    Page(
        method="POST",
        path=f"{_ONE}/restrictions",
        need=Need.ADMINISTER,
        handler=restrict,
        subject=subjects.context,
        deed="createContextRestriction",
    ),
    Page(
        method="POST",
        path=f"{_ONE}/restrictions/remove",
        need=Need.ADMINISTER,
        handler=unrestrict,
        subject=subjects.context,
        deed="deleteContextRestriction",
    ),
    Page(
        method="POST",
        path=f"{_ONE}/delete",
        need=Need.WRITE,
        handler=delete,
        subject=subjects.context,
        deed="deleteContext",
    ),
]
