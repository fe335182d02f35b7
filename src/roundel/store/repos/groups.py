"""Groups of an organisation's members."""

from roundel.domain.clock import Micros
from roundel.domain.groups import Group, GroupId
from roundel.domain.ids import OrganizationId, PersonId
from roundel.store.dialect import Row, Sql
from roundel.store.rows import values_of

GROUP = "id, organization_id, name, description, created_at"


class SqlGroups:
    """Implements `domain.groups.Groups`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, group: Group) -> bool:
        """Add a group; tell whether its name was free."""
        added = self._sql.run(
            f"INSERT INTO team ({GROUP}) VALUES ({values_of(GROUP)}) ON CONFLICT DO NOTHING",
            id=group.id,
            organization_id=group.organization_id,
            name=group.name,
            description=group.description,
            created_at=group.created_at,
        )
        return added > 0

    def get(self, group_id: GroupId) -> Group | None:
        """Return the group."""
        row = self._sql.one(f"SELECT {GROUP} FROM team WHERE id = :id", id=group_id)
        return None if row is None else group_of(row)

    def count(self, organization: OrganizationId) -> int:
        """Return how many groups an organisation has."""
        row = self._sql.one(
            "SELECT count(*) FROM team WHERE organization_id = :organization",
            organization=organization,
        )
        return 0 if row is None else int(row[0])

    def remove(self, group_id: GroupId) -> None:
        """Remove a group.  Contexts restricted to it alone are open to administrators only."""
        self._sql.run("DELETE FROM team_member WHERE team_id = :id", id=group_id)
        self._sql.run("DELETE FROM team WHERE id = :id", id=group_id)

    def put_member(self, group_id: GroupId, person: PersonId) -> None:
        """Put a person in; one who is there already stays."""
        self._sql.run(
            "INSERT INTO team_member (team_id, person_id) VALUES (:id, :person)"
            " ON CONFLICT DO NOTHING",
            id=group_id,
            person=person,
        )

    def remove_member(self, group_id: GroupId, person: PersonId) -> bool:
        """Take a person out; tell whether they were in."""
        removed = self._sql.run(
            "DELETE FROM team_member WHERE team_id = :id AND person_id = :person",
            id=group_id,
            person=person,
        )
        return removed > 0

    def of_person(self, organization: OrganizationId, person: PersonId) -> frozenset[str]:
        """Return the ids of the groups that a person is in."""
        rows = self._sql.all(
            "SELECT t.id FROM team_member m JOIN team t ON t.id = m.team_id"
            " WHERE m.person_id = :person AND t.organization_id = :organization",
            organization=organization,
            person=person,
        )
        return frozenset(row[0] for row in rows)

    def leave(self, organization: OrganizationId, person: PersonId) -> None:
        """Take a person out of all groups of an organisation."""
        self._sql.run(
            "DELETE FROM team_member WHERE person_id = :person AND team_id IN"
            " (SELECT id FROM team WHERE organization_id = :organization)",
            organization=organization,
            person=person,
        )


def group_of(row: Row) -> Group:
    """Read a group."""
    return Group(
        id=GroupId(row[0]),
        organization_id=OrganizationId(row[1]),
        name=row[2],
        description=row[3],
        created_at=Micros(row[4]),
    )
