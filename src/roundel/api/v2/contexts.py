"""Contexts: what is in them, and who may use them."""

from roundel.api.operations import PAGE_TOKEN, AnyOperation, Call, Operation, Query
from roundel.api.paging import PAGE_SIZE, named_token, page, read_named_token, read_token, token
from roundel.api.schemas.common import Message, Page
from roundel.api.schemas.contexts import (
    ContextShown,
    CreateContext,
    CreateRestriction,
    PutVariable,
    RestrictionMade,
    RestrictionShown,
    VariableShown,
    context_shown,
    restriction_made,
    restriction_shown,
    variable_shown,
)
from roundel.api.subjects import CONTEXT, RESTRICTED_CONTEXT
from roundel.domain.access import Need
from roundel.domain.contexts import Context, ContextId, OwnerKind, RestrictionId, SecretOwner
from roundel.domain.errors import Invalid, NotAllowed, NotFound
from roundel.domain.ids import OrganizationId, is_uuid
from roundel.domain.projects import VCS_WORDS, Organization

NO_ORGANIZATION = "Organization does not exist."


async def contexts(call: Call[None, None]) -> Page[ContextShown]:
    query = call.query
    if query.get("owner-type") not in (None, "", "organization", "account"):
        raise Invalid("owner-type: expected organization or account")
    organization = await _owner(call, query.get("owner-id"), query.get("owner-slug"), Need.READ)
    after = read_token("contexts", query.get("page-token"))
    rows = await call.app.reads.secrets.contexts(
        organization.id,
        after=None if after is None else (after[0], ContextId(after[1])),
        limit=PAGE_SIZE + 1,
    )
    shown, last = page(rows)
    following = None if last is None else token("contexts", last.created_at, last.id)
    return Page([context_shown(it) for it in shown], following)


async def _owner(
    call: Call[None, CreateContext] | Call[None, None],
    id_: str | None,
    slug: str | None,
    need: Need,
) -> Organization:
    """Return the organisation that is meant, if the caller may do this there."""
    found = None
    if id_:
        if not is_uuid(id_):
            raise Invalid("The owner's id is no UUID.")
        found = await call.app.reads.organization_by_id(OrganizationId(id_.lower()))
    elif slug:
        word, _, name = slug.partition("/")
        vcs = VCS_WORDS.get(word)
        found = None if vcs is None else await call.app.reads.organization(vcs, name)
    else:
        raise Invalid("Give the organization by its id or its slug.")
    if found is None or not call.actor.may(Need.READ, found.id):
        raise NotFound(NO_ORGANIZATION)
    if not call.actor.may(need, found.id):
        raise NotAllowed("Permission denied.")
    return found


async def create(call: Call[None, CreateContext]) -> ContextShown:
    owner = call.body.owner
    organization = await _owner(call, owner.id, owner.slug, Need.WRITE)
    made = await call.door.use_cases.secrets.create_context(organization.id, call.body.name)
    call.tell(organization.id, made.id)
    return context_shown(made)


async def show(call: Call[Context, None]) -> ContextShown:
    return context_shown(call.subject)


async def delete(call: Call[Context, None]) -> Message:
    await call.door.use_cases.secrets.delete_context(call.subject)
    return Message("Context deleted.")


async def variables(call: Call[Context, None]) -> Page[VariableShown]:
    context = call.subject
    owner = SecretOwner(
        kind=OwnerKind.CONTEXT, id=context.id, organization_id=context.organization_id
    )
    after = read_named_token("variables", call.query.get("page-token"))
    rows = await call.app.reads.secrets.variables(
        owner, after=None if after is None else after[1], limit=PAGE_SIZE + 1
    )
    shown, last = page(rows)
    following = None if last is None else named_token("variables", 0, last.name)
    return Page([variable_shown(context, it) for it in shown], following)


async def put(call: Call[Context, PutVariable]) -> VariableShown:
    made = await call.door.use_cases.secrets.put_variable(
        call.subject, call.path["env-var-name"], call.body.value
    )
    return variable_shown(call.subject, made)


async def remove(call: Call[Context, None]) -> Message:
    await call.door.use_cases.secrets.remove_variable(call.subject, call.path["env-var-name"])
    return Message("Environment variable deleted.")


async def restrictions(call: Call[Context, None]) -> Page[RestrictionShown]:
    found = await call.app.reads.secrets.restrictions(call.subject.id)
    return Page([restriction_shown(it) for it in found], None)


async def restrict(call: Call[Context, CreateRestriction]) -> RestrictionMade:
    body = call.body
    made = await call.door.use_cases.secrets.restrict_context(
        call.subject, body.restriction_type, body.restriction_value, body.project_id
    )
    return restriction_made(made)


async def unrestrict(call: Call[Context, None]) -> Message:
    text = call.path["restriction_id"]
    if not is_uuid(text):
        raise Invalid("restriction_id is invalid.")
    await call.door.use_cases.secrets.unrestrict_context(call.subject, RestrictionId(text.lower()))
    return Message("Context restriction deleted.")


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/context",
        id="listContexts",
        summary="List contexts",
        tag="Context",
        need=Need.SIGNED_IN,
        handler=contexts,
        answer=Page[ContextShown],
        query=(
            Query(name="owner-id", summary="The organization's id; this or owner-slug."),
            Query(name="owner-slug", summary="The organization's slug; this or owner-id."),
            Query(name="owner-type", summary="Owners are organizations."),
            PAGE_TOKEN,
        ),
    ),
    Operation(
        method="POST",
        path="/context",
        id="createContext",
        summary="Create a new context",
        tag="Context",
        need=Need.SIGNED_IN,
        handler=create,
        body=CreateContext,
        answer=ContextShown,
    ),
    Operation(
        method="GET",
        path="/context/{context-id}",
        id="getContext",
        summary="Get a context",
        tag="Context",
        need=Need.READ,
        subject=CONTEXT,
        handler=show,
        answer=ContextShown,
    ),
    Operation(
        method="DELETE",
        path="/context/{context-id}",
        id="deleteContext",
        summary="Delete a context",
        tag="Context",
        need=Need.WRITE,
        subject=CONTEXT,
        handler=delete,
        answer=Message,
    ),
    Operation(
        method="GET",
        path="/context/{context-id}/environment-variable",
        id="listEnvironmentVariablesFromContext",
        summary="List environment variables",
        tag="Context",
        need=Need.READ,
        subject=CONTEXT,
        handler=variables,
        answer=Page[VariableShown],
        query=(PAGE_TOKEN,),
    ),
    Operation(
        method="PUT",
        path="/context/{context-id}/environment-variable/{env-var-name}",
        id="addEnvironmentVariableToContext",
        summary="Add or update an environment variable",
        tag="Context",
        need=Need.WRITE,
        subject=CONTEXT,
        handler=put,
        body=PutVariable,
        answer=VariableShown,
    ),
    Operation(
        method="DELETE",
        path="/context/{context-id}/environment-variable/{env-var-name}",
        id="deleteEnvironmentVariableFromContext",
        summary="Remove an environment variable",
        tag="Context",
        need=Need.WRITE,
        subject=CONTEXT,
        handler=remove,
        answer=Message,
    ),
    Operation(
        method="GET",
        path="/context/{context_id}/restrictions",
        id="getContextRestrictions",
        summary="🧪 Get context restrictions",
        tag="Context",
        need=Need.READ,
        subject=RESTRICTED_CONTEXT,
        handler=restrictions,
        answer=Page[RestrictionShown],
    ),
    Operation(
        method="POST",
        path="/context/{context_id}/restrictions",
        id="createContextRestriction",
        summary="🧪 Create context restriction",
        tag="Context",
        need=Need.ADMINISTER,
        subject=RESTRICTED_CONTEXT,
        handler=restrict,
        body=CreateRestriction,
        answer=RestrictionMade,
        status=201,
    ),
    Operation(
        method="DELETE",
        path="/context/{context_id}/restrictions/{restriction_id}",
        id="deleteContextRestriction",
        summary="🧪 Delete context restriction",
        tag="Context",
        need=Need.ADMINISTER,
        subject=RESTRICTED_CONTEXT,
        handler=unrestrict,
        answer=Message,
    ),
]
