"""Secrets that organisations and projects keep: contexts, their variables and restrictions."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NewType, Protocol

from roundel.domain.access import Role
from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId, PersonId, ProjectId
from roundel.domain.records import dataclass

ContextId = NewType("ContextId", str)
RestrictionId = NewType("RestrictionId", str)

LONGEST_CONTEXT_NAME = 200
LONGEST_VARIABLE_NAME = 300
LARGEST_VALUE = 32 * 1024  # bytes
MOST_VARIABLES = 100  # of one context
MOST_CONTEXTS = 500  # of one organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A named set of variables that jobs of the organisation may ask for."""

    id: ContextId
    organization_id: OrganizationId
    name: str
    created_at: Micros


class RestrictionType(StrEnum):
    """What a restriction looks at."""

    PROJECT = "project"
    EXPRESSION = "expression"
    GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """One restriction.  `value` is a project's or group's id, or an expression."""

    id: RestrictionId
    context_id: ContextId
    type: RestrictionType
    value: str
    name: str | None = None  # of the project
    created_at: Micros


class OwnerKind(StrEnum):
    """What secrets belong to."""

    CONTEXT = "context"
    PROJECT = "project"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretOwner:
    """Whose a secret is."""

    kind: OwnerKind
    id: ContextId | ProjectId
    organization_id: OrganizationId


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An encrypted value, and the id of the key that opens it."""

    key_id: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable as it is stored.  `hint` is its last characters, sealed as well."""

    name: str
    value: Sealed
    hint: Sealed
    created_at: Micros
    updated_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableView:
    """A variable as lists show it, without anything of its value."""

    name: str
    created_at: Micros
    updated_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """Somebody on whose word a job starts; without a role he is no member."""

    role: Role | None
    groups: frozenset[str] = frozenset()

    @property
    def administers(self) -> bool:
        return self.role is Role.ADMINISTRATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A job that asks for a context: its project, who started it, who approved what it waits for.

    Nobody is among `people` if the server itself started the workflow.
    """

    organization_id: OrganizationId
    project_id: ProjectId
    people: tuple[Participant, ...]


def why_refused(
    restrictions: Sequence[Restriction], use: Use, holds: Callable[[str], bool]
) -> str | None:
    """Return why a job may not have a context, None if it may.

    Of each kind that is present one must fit, of expressions all.  Without a group a context is
    for all members.  Administrators pass what looks at groups and projects.
    """
    of = {kind: [it.value for it in restrictions if it.type is kind] for kind in RestrictionType}
    groups = set(of[RestrictionType.GROUP])
    for person in use.people:
        if person.role is None:
            return "whoever started or approved it is no member of the organization"
        member_of = {use.organization_id, *person.groups}
        if groups and not person.administers and not groups & member_of:
            return "whoever started or approved it is in none of the context's groups"
    if groups and not use.people and use.organization_id not in groups:
        return "nobody of the context's groups started it"
    projects = of[RestrictionType.PROJECT]
    administers = bool(use.people) and all(person.administers for person in use.people)
    if projects and use.project_id not in projects and not administers:
        return "the context is restricted to other projects"
    for expression in of[RestrictionType.EXPRESSION]:
        if not holds(expression):
            return f"the context's restriction is not fulfilled: {expression}"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedVariable:
    """A project's variable as people see it: `xxxx` and the last characters of its value."""

    name: str
    value: str
    created_at: Micros


class Contexts(Protocol):
    """Where contexts and their restrictions are kept."""

    def add(self, context: Context) -> bool:
        """Add a context; tell whether its name was free."""

    def get(self, context_id: ContextId) -> Context | None: ...

    def named(self, organization: OrganizationId, name: str) -> Context | None: ...

    def count(self, organization: OrganizationId) -> int: ...

    def remove(self, context_id: ContextId) -> None:
        """Remove a context with its restrictions and variables."""

    def restrictions(self, context_id: ContextId) -> Sequence[Restriction]: ...

    def restrict(self, restriction: Restriction) -> bool:
        """Add a restriction; tell whether it is new."""

    def unrestrict(self, context_id: ContextId, restriction: RestrictionId) -> bool:
        """Remove a restriction; tell whether there was one."""

    def role_of(self, organization: OrganizationId, person: PersonId) -> Role | None:
        """Return a person's role; administrators of the server administer every organisation."""


class Secrets(Protocol):
    """Where the variables of contexts and projects are kept, sealed."""

    def put(self, owner: SecretOwner, variable: Variable) -> VariableView:
        """Add a variable or replace its value; return it as lists show it."""

    def remove(self, owner: SecretOwner, name: str) -> bool:
        """Remove a variable; tell whether there was one."""

    def all(self, owner: SecretOwner) -> Sequence[Variable]:
        """Return all variables by name."""

    def count(self, owner: SecretOwner) -> int: ...

    def under_other_keys(self, key_id: str, limit: int) -> Sequence[tuple[SecretOwner, Variable]]:
        """Return some of what is not sealed under this key."""

    def reseal(self, owner: SecretOwner, variable: Variable, before: str) -> None:
        """Save a variable under another key, unless its key is no longer `before`."""


class ContextReads(Protocol):
    """What the doors read of contexts and secrets."""

    async def contexts(
        self,
        organization: OrganizationId,
        *,
        after: tuple[Micros, ContextId] | None = None,
        limit: int = 20,
    ) -> Sequence[Context]:
        """Return an organisation's contexts in the order of their creation."""

    async def context(self, context_id: ContextId) -> Context | None: ...

    async def variables(
        self, owner: SecretOwner, *, after: str | None = None, limit: int = 20
    ) -> Sequence[VariableView]:
        """Return variables by name, from behind `after` on."""

    async def sealed(self, owner: SecretOwner) -> Sequence[Variable]:
        """Return all variables with their sealed values."""

    async def restrictions(self, context_id: ContextId) -> Sequence[Restriction]: ...

    async def keys_in_use(self) -> Sequence[str]:
        """Return the ids of the keys under which anything is sealed."""
