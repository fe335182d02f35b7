"""Environment variables with secret values: what they may be, and those of projects."""

import re

from roundel.domain.contexts import (
    LARGEST_VALUE,
    LONGEST_VARIABLE_NAME,
    MaskedVariable,
    OwnerKind,
    SecretOwner,
    Variable,
    VariableView,
)
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.projects import Project
from roundel.services.work import App, Tx
from roundel.vault.cipher import CannotUnseal, about

MOST_OF_PROJECT = 1000
SHOWN = 4  # characters of a value, where it is at least twice as long
NO_VARIABLE = "Environment variable not found."

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def project_owner(project: Project) -> SecretOwner:
    """Return the project as the owner of its variables."""
    return SecretOwner(
        kind=OwnerKind.PROJECT, id=project.id, organization_id=project.organization.id
    )


def check_name(name: str) -> None:
    """Refuse what no shell takes for the name of a variable."""
    if len(name) > LONGEST_VARIABLE_NAME:
        raise Invalid(f"The variable's name is longer than {LONGEST_VARIABLE_NAME} characters.")
    if not _NAME.fullmatch(name):
        raise Invalid(
            "A variable's name has letters, digits and underscores, and begins with no digit."
        )


def check_value(value: str) -> None:
    """Refuse what cannot be a variable's value."""
    if "\0" in value:
        raise Invalid("value: a variable cannot hold the character NUL")
    if len(value.encode("utf-8", "surrogateescape")) > LARGEST_VALUE:
        raise Invalid(f"value: larger than {LARGEST_VALUE} bytes")


def hint_of(value: str) -> str:
    """Return the end of a value by which people know it; short ones give less away."""
    shown = min(SHOWN, len(value) // 2)
    return value[len(value) - shown :]


def sealed_variable(owner: SecretOwner, name: str, value: str, app: App) -> Variable:
    """Return a variable ready to be stored: nothing of its value can be read from it."""
    at = app.clock.now()
    cipher = app.cipher
    return Variable(
        name=name,
        value=cipher.seal(value, about(owner, name)),
        hint=cipher.seal(hint_of(value), about(owner, name) + b" hint"),
        created_at=at,
        updated_at=at,
    )


async def put_project_variable(project: Project, name: str, value: str, app: App) -> MaskedVariable:
    """Add a variable of a project, or replace its value."""
    check_name(name)
    check_value(value)
    owner = project_owner(project)
    variable = sealed_variable(owner, name, value, app)

    def transaction(tx: Tx) -> VariableView:
        put = tx.secrets.put(owner, variable)
        if tx.secrets.count(owner) > MOST_OF_PROJECT:
            raise Invalid(f"A project has {MOST_OF_PROJECT} variables at most.")
        return put

    put = await app.database.write(transaction)
    return MaskedVariable(name=put.name, value=f"xxxx{hint_of(value)}", created_at=put.created_at)


async def project_variables(project: Project, app: App) -> list[MaskedVariable]:
    """Return a project's variables by name, masked."""
    owner = project_owner(project)
    return [_masked(owner, it, app) for it in await app.reads.secrets.sealed(owner)]


async def project_variable(project: Project, name: str, app: App) -> MaskedVariable:
    """Return one variable, masked."""
    for variable in await project_variables(project, app):
        if variable.name == name:
            return variable
    raise NotFound(NO_VARIABLE)


async def remove_project_variable(project: Project, name: str, app: App) -> None:
    """Remove a variable; one that is not there is removed already."""

    def transaction(tx: Tx) -> None:
        tx.secrets.remove(project_owner(project), name)

    await app.database.write(transaction)


def _masked(owner: SecretOwner, variable: Variable, app: App) -> MaskedVariable:
    try:
        hint: str = app.cipher.unseal(variable.hint, about(owner, variable.name) + b" hint")
    except CannotUnseal:
        hint = ""  # the job that needs it will say so
    return MaskedVariable(name=variable.name, value=f"xxxx{hint}", created_at=variable.created_at)
