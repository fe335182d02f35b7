"""Groups and members as lists show them."""

from collections.abc import Sequence

from roundel.domain.access import Person, Role
from roundel.domain.clock import Micros
from roundel.domain.groups import Group, GroupId, Member
from roundel.domain.ids import OrganizationId
from roundel.store.database import Database
from roundel.store.dialect import Sql
from roundel.store.owner_rows import PERSON, person_of
from roundel.store.repos.groups import GROUP, SqlGroups, group_of
from roundel.store.rows import columns


class SqlGroupReads:
    """Implements `domain.groups.GroupReads`."""

    def __init__(self, database: Database) -> None:
        self._glance = database.glance

    async def groups(
        self,
        organization: OrganizationId,
        *,
        after: tuple[Micros, GroupId] | None = None,
        limit: int = 20,
    ) -> Sequence[Group]:
        """Return an organisation's groups in the order of their making."""
        return await self._glance(lambda sql: _groups(sql, organization, after, limit))

    async def group(self, group_id: GroupId) -> Group | None:
        """Return the group."""
        return await self._glance(lambda sql: SqlGroups(sql).get(group_id))

    async def group_members(
        self, group_id: GroupId, *, after: str | None = None, limit: int = 20
    ) -> Sequence[Person]:
        """Return who is in a group, by login, from behind `after` on."""
        return await self._glance(lambda sql: _group_members(sql, group_id, after, limit))

    async def members(
        self, organization: OrganizationId, *, after: str | None = None, limit: int = 20
    ) -> Sequence[Member]:
        """Return an organisation's members by login, from behind `after` on."""
        return await self._glance(lambda sql: _members(sql, organization, after, limit))


def _groups(
    sql: Sql, organization: OrganizationId, after: tuple[Micros, GroupId] | None, limit: int
) -> list[Group]:
    at, last = after if after is not None else (-1, "")
    rows = sql.all(
        f"SELECT {GROUP} FROM team WHERE organization_id = :organization"
        " AND (created_at, id) > (:at, :last) ORDER BY created_at, id LIMIT :limit",
        organization=organization,
        at=at,
        last=last,
        limit=limit,
    )
    return [group_of(row) for row in rows]


def _group_members(sql: Sql, group_id: GroupId, after: str | None, limit: int) -> list[Person]:
    rows = sql.all(
        f"SELECT {columns(PERSON, 'p')} FROM team_member m JOIN person p ON p.id = m.person_id"
        " WHERE m.team_id = :id AND p.login > :after ORDER BY p.login LIMIT :limit",
        id=group_id,
        after=after or "",
        limit=limit,
    )
    return [person_of(row) for row in rows]


def _members(sql: Sql, organization: OrganizationId, after: str | None, limit: int) -> list[Member]:
    rows = sql.all(
        f"SELECT {columns(PERSON, 'p')}, m.role FROM membership m"
        " JOIN person p ON p.id = m.person_id WHERE m.organization_id = :organization"
        " AND p.login > :after ORDER BY p.login LIMIT :limit",
        organization=organization,
        after=after or "",
        limit=limit,
    )
    return [Member(person=person_of(row), role=Role(row[6])) for row in rows]
