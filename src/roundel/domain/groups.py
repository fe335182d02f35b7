"""Groups: members of an organisation under one name, whom contexts can be restricted to."""

from collections.abc import Sequence
from typing import NewType, Protocol

from roundel.domain.access import Person, Role
from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId, PersonId
from roundel.domain.records import dataclass

GroupId = NewType("GroupId", str)

LONGEST_NAME = 200
LONGEST_DESCRIPTION = 1000
MOST_GROUPS = 500  # of one organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Some of an organisation's members."""

    id: GroupId
    organization_id: OrganizationId
    name: str
    description: str
    created_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person with the role that they have in an organisation."""

    person: Person
    role: Role


class Groups(Protocol):
    """Where groups, and who is in them, are kept."""

    def add(self, group: Group) -> bool:
        """Add a group; tell whether its name was free."""

    def get(self, group_id: GroupId) -> Group | None: ...

    def count(self, organization: OrganizationId) -> int: ...

    def remove(self, group_id: GroupId) -> None:
        """Remove a group.  Contexts restricted to it alone are open to administrators only."""

    def put_member(self, group_id: GroupId, person: PersonId) -> None:
        """Put a person in; one who is there already stays."""

    def remove_member(self, group_id: GroupId, person: PersonId) -> bool:
        """Take a person out; tell whether they were in."""

    def of_person(self, organization: OrganizationId, person: PersonId) -> frozenset[str]:
        """Return the ids of the groups that a person is in."""

    def leave(self, organization: OrganizationId, person: PersonId) -> None:
        """Take a person out of all groups of an organisation."""


class GroupReads(Protocol):
    """What the doors read of groups and members."""

    async def groups(
        self,
        organization: OrganizationId,
        *,
        after: tuple[Micros, GroupId] | None = None,
        limit: int = 20,
    ) -> Sequence[Group]:
        """Return an organisation's groups in the order of their making."""

    async def group(self, group_id: GroupId) -> Group | None: ...

    async def group_members(
        self, group_id: GroupId, *, after: str | None = None, limit: int = 20
    ) -> Sequence[Person]:
        """Return who is in a group, by login, from behind `after` on."""

    async def members(
        self, organization: OrganizationId, *, after: str | None = None, limit: int = 20
    ) -> Sequence[Member]:
        """Return an organisation's members by login, from behind `after` on."""
