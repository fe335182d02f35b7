"""Contexts: made, filled, restricted and removed."""

from roundel.compiler.expressions import names_in, parse
from roundel.compiler.scanning import ExpressionError
from roundel.compiler.values import is_registered
from roundel.domain.contexts import (
    LONGEST_CONTEXT_NAME,
    MOST_CONTEXTS,
    MOST_VARIABLES,
    Context,
    ContextId,
    OwnerKind,
    Restriction,
    RestrictionId,
    RestrictionType,
    SecretOwner,
    VariableView,
)
from roundel.domain.errors import IllegalMove, Invalid, NotFound
from roundel.domain.groups import GroupId
from roundel.domain.ids import OrganizationId, ProjectId, is_uuid, new_id
from roundel.services.variables import check_name, check_value, sealed_variable
from roundel.services.work import App, Tx

NO_CONTEXT = "Context not found."
SSH = "job.ssh.enabled"  # the one name beside pipeline values that a restriction may use


def owner_of(context: Context) -> SecretOwner:
    """Return the context as the owner of its variables."""
    return SecretOwner(
        kind=OwnerKind.CONTEXT, id=context.id, organization_id=context.organization_id
    )


async def create_context(organization: OrganizationId, name: str, app: App) -> Context:
    """Make an empty context, which all members may use."""
    _check_context_name(name)
    context = Context(
        id=ContextId(new_id()),
        organization_id=organization,
        name=name,
        created_at=app.clock.now(),
    )

    def transaction(tx: Tx) -> None:
        if tx.contexts.count(organization) >= MOST_CONTEXTS:
            raise Invalid(f"The organization has {MOST_CONTEXTS} contexts; more are not possible.")
        if not tx.contexts.add(context):
            raise IllegalMove(f"A context named {name} already exists.")

    await app.database.write(transaction)
    return context


def _check_context_name(name: str) -> None:
    if not name.strip() or not name.isprintable():
        raise Invalid("name: expected a text that can be read, got an empty or odd one")
    if len(name) > LONGEST_CONTEXT_NAME:
        raise Invalid(f"name: longer than {LONGEST_CONTEXT_NAME} characters")


async def delete_context(context: Context, app: App) -> None:
    """Remove a context with all that is in it."""

    def transaction(tx: Tx) -> None:
        tx.contexts.remove(context.id)

    await app.database.write(transaction)


async def put_variable(context: Context, name: str, value: str, app: App) -> VariableView:
    """Add a variable or replace its value."""
    check_name(name)
    check_value(value)
    owner = owner_of(context)
    variable = sealed_variable(owner, name, value, app)

    def transaction(tx: Tx) -> VariableView:
        if tx.contexts.get(context.id) is None:
            raise NotFound(NO_CONTEXT)
        put = tx.secrets.put(owner, variable)
        if tx.secrets.count(owner) > MOST_VARIABLES:
            raise Invalid(f"A context has {MOST_VARIABLES} variables at most.")
        return put

    return await app.database.write(transaction)


async def remove_variable(context: Context, name: str, app: App) -> None:
    """Remove a variable; one that is not there is removed already."""

    def transaction(tx: Tx) -> None:
        tx.secrets.remove(owner_of(context), name)

    await app.database.write(transaction)


async def restrict_context(
    context: Context, type_: str | None, value: str | None, project_id: str | None, app: App
) -> Restriction:
    """Add a restriction.  `project_id` is the older spelling of a project restriction."""
    kind, checked = _restriction(type_, value, project_id)

    def transaction(tx: Tx) -> Restriction:
        name = None
        if kind is RestrictionType.PROJECT:
            project = tx.projects.get_by_id(ProjectId(checked))
            if project is None or project.organization.id != context.organization_id:
                raise Invalid(
                    "Project does not exist, or user does not have access to this project."
                )
            name = project.name
        elif kind is RestrictionType.GROUP and checked != context.organization_id:
            group = tx.groups.get(GroupId(checked))
            if group is None or group.organization_id != context.organization_id:
                raise Invalid("Group does not exist, or it belongs to another organization.")
            name = group.name
        restriction = Restriction(
            id=RestrictionId(new_id()),
            context_id=context.id,
            type=kind,
            value=checked,
            name=name,
            created_at=app.clock.now(),
        )
        if tx.contexts.get(context.id) is None:
            raise NotFound(NO_CONTEXT)
        if not tx.contexts.restrict(restriction):
            raise IllegalMove("The restriction you're trying to add already exists.")
        return restriction

    return await app.database.write(transaction)


async def unrestrict_context(context: Context, restriction: RestrictionId, app: App) -> None:
    """Remove a restriction."""

    def transaction(tx: Tx) -> None:
        if not tx.contexts.unrestrict(context.id, restriction):
            raise NotFound("Restriction not found.")

    await app.database.write(transaction)


def _restriction(
    type_: str | None, value: str | None, project_id: str | None
) -> tuple[RestrictionType, str]:
    if project_id is not None:
        if type_ is not None or value is not None:
            raise Invalid("project_id excludes restriction_type and restriction_value.")
        type_, value = RestrictionType.PROJECT.value, project_id
    if type_ not in set(RestrictionType) or not value:
        raise Invalid(
            "restriction_type: expected project, expression or group, with a restriction_value"
        )
    kind = RestrictionType(type_)
    if kind is RestrictionType.EXPRESSION:
        _check_expression(value)
        return kind, value
    if not is_uuid(value):
        raise Invalid(f"restriction_value: expected the id of a {kind}")
    return kind, value.lower()


def _check_expression(text: str) -> None:
    try:
        names = names_in(parse(text))
    except ExpressionError as error:
        raise Invalid(f"restriction_value: not an expression: {error}") from error
    for name in names:
        if name != SSH and not (is_registered(name) and not name.startswith(_UNTRUSTED)):
            raise Invalid(f"restriction_value: {name} cannot be used in a restriction")


# What a trigger passes may be made up by whoever triggers.
_UNTRUSTED = ("pipeline.trigger_parameters.", "pipeline.parameters.")
