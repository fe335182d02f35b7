"""Who may do what.  Every route names its need; whoever lacks it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from roundel.domain.ids import OrganizationId, PersonId


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
