"""Who may do what.  Every route names its need; whoever lacks it is refused."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Protocol

from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId, PersonId, TokenId
from roundel.domain.records import dataclass


class Role(StrEnum):
    """What a person is in an organisation."""

    VIEWER = "viewer"
    CONTRIBUTOR = "contributor"
    ADMINISTRATOR = "administrator"


class Need(StrEnum):
    """What a route asks of its caller."""

    NOTHING = "nothing"  # health, the API document
    SIGNED_IN = "signed-in"
    READ = "read"  # the caller's organisation: any role
    WRITE = "write"  # contributor and above
    ADMINISTER = "administer"


ROLES_THAT_MEET: Mapping[Need, frozenset[Role]] = {
    Need.NOTHING: frozenset(Role),
    Need.SIGNED_IN: frozenset(Role),
    Need.READ: frozenset(Role),
    Need.WRITE: frozenset({Role.CONTRIBUTOR, Role.ADMINISTRATOR}),
    Need.ADMINISTER: frozenset({Role.ADMINISTRATOR}),
}


def scopes_for(widest: Need) -> frozenset[Need]:
    """Return the scopes of a token that may do this and whatever takes less."""
    ladder = (Need.SIGNED_IN, Need.READ, Need.WRITE, Need.ADMINISTER)
    return frozenset(ladder[: ladder.index(widest) + 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The person behind a request, as known from a verified token."""

    id: PersonId
    login: str
    name: str
    avatar_url: str = ""
    server_administrator: bool = False
    roles: Mapping[OrganizationId, Role] = field(default_factory=dict)
    scopes: frozenset[Need] | None = None  # None: whatever the person may do

    def may(self, need: Need, organization: OrganizationId) -> bool:
        """Tell whether the person's role there, cut down by the token's scopes, meets `need`."""
        if self.scopes is not None and need not in self.scopes:
            return False
        if self.server_administrator:
            return True
        role = self.roles.get(organization)
        return role is not None and role in ROLES_THAT_MEET[need]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may sign in."""

    id: PersonId
    login: str
    name: str
    avatar_url: str = ""
    server_administrator: bool = False
    created_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as stored: never its text, only the SHA-256 of it and a prefix to know it by."""

    id: TokenId
    person_id: PersonId
    label: str
    prefix: str
    digest: bytes
    scopes: frozenset[Need] | None = None
    created_at: Micros
    expires_at: Micros | None = None


class People(Protocol):
    """Where people, their roles and their tokens are kept."""

    def by_login(self, login: str) -> Person | None: ...

    def get(self, person_id: PersonId) -> Person | None: ...

    def add(self, person: Person) -> None: ...

    def give_role(self, organization: OrganizationId, person: PersonId, role: Role) -> None:
        """Give the role, in place of the one that the person had there."""

    def take_role(self, organization: OrganizationId, person: PersonId) -> None:
        """Let the person be no member any more."""

    def role(self, organization: OrganizationId, person: PersonId) -> Role | None:
        """Return the role that a member has; None for others, whoever they are."""

    def administrators(self, organization: OrganizationId, *, at_most: int) -> list[PersonId]:
        """Return some of an organisation's administrators."""

    def add_token(self, token: Token) -> None: ...

    def token_owner(self, token_id: TokenId) -> PersonId | None: ...

    def revoke_token(self, token_id: TokenId, at: Micros) -> bool:
        """Revoke the token; tell whether there was one to revoke."""

    def revoke_tokens_before(self, created: Micros, at: Micros) -> int:
        """Revoke all tokens that were made earlier; return how many that were."""

    def anybody(self) -> bool:
        """Tell whether there is any person at all."""
