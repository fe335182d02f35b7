"""Contexts and their restrictions."""

from collections.abc import Sequence

from roundel.domain.access import Role
from roundel.domain.clock import Micros
from roundel.domain.contexts import (
    Context,
    ContextId,
    Restriction,
    RestrictionId,
    RestrictionType,
)
from roundel.domain.ids import OrganizationId, PersonId
from roundel.store.dialect import Row, Sql
from roundel.store.rows import values_of

CONTEXT = "id, organization_id, name, created_at"
RESTRICTION = "id, context_id, type, value, name, created_at"


class SqlContexts:
    """Implements `domain.contexts.Contexts`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, context: Context) -> bool:
        """Add a context; tell whether its name was free."""
        added = self._sql.run(
            f"INSERT INTO context ({CONTEXT}) VALUES ({values_of(CONTEXT)}) ON CONFLICT DO NOTHING",
            id=context.id,
            organization_id=context.organization_id,
            name=context.name,
            created_at=context.created_at,
        )
        return added > 0

    def get(self, context_id: ContextId) -> Context | None:
        """Return the context."""
        row = self._sql.one(f"SELECT {CONTEXT} FROM context WHERE id = :id", id=context_id)
        return None if row is None else context_of(row)

    def named(self, organization: OrganizationId, name: str) -> Context | None:
        """Return an organisation's context of that name."""
        row = self._sql.one(
            f"SELECT {CONTEXT} FROM context WHERE organization_id = :organization AND name = :name",
            organization=organization,
            name=name,
        )
        return None if row is None else context_of(row)

    def count(self, organization: OrganizationId) -> int:
        """Return how many contexts an organisation has."""
        row = self._sql.one(
            "SELECT count(*) FROM context WHERE organization_id = :organization",
            organization=organization,
        )
        return 0 if row is None else int(row[0])

    def remove(self, context_id: ContextId) -> None:
        """Remove a context with its restrictions and variables."""
        self._sql.run(
            "DELETE FROM secret WHERE owner_kind = 'context' AND owner_id = :id", id=context_id
        )
        self._sql.run("DELETE FROM restriction WHERE context_id = :id", id=context_id)
        self._sql.run("DELETE FROM context WHERE id = :id", id=context_id)

    def restrictions(self, context_id: ContextId) -> Sequence[Restriction]:
        """Return a context's restrictions in the order of their making."""
        rows = self._sql.all(
            f"SELECT {RESTRICTION} FROM restriction WHERE context_id = :id ORDER BY created_at, id",
            id=context_id,
        )
        return [_restriction_of(row) for row in rows]

    def restrict(self, restriction: Restriction) -> bool:
        """Add a restriction; tell whether it is new."""
        added = self._sql.run(
            f"INSERT INTO restriction ({RESTRICTION}) VALUES ({values_of(RESTRICTION)})"
            " ON CONFLICT DO NOTHING",
            id=restriction.id,
            context_id=restriction.context_id,
            type=restriction.type.value,
            value=restriction.value,
            name=restriction.name,
            created_at=restriction.created_at,
        )
        return added > 0

    def unrestrict(self, context_id: ContextId, restriction: RestrictionId) -> bool:
        """Remove a restriction; tell whether there was one."""
        removed = self._sql.run(
            "DELETE FROM restriction WHERE id = :id AND context_id = :context",
            id=restriction,
            context=context_id,
        )
        return removed > 0

    def role_of(self, organization: OrganizationId, person: PersonId) -> Role | None:
        """Return a person's role; administrators of the server administer every organisation."""
        row = self._sql.one(
            "SELECT p.server_administrator, m.role FROM person p LEFT JOIN membership m"
            " ON m.person_id = p.id AND m.organization_id = :organization WHERE p.id = :person",
            organization=organization,
            person=person,
        )
        if row is None:
            return None
        if row[0]:
            return Role.ADMINISTRATOR
        return None if row[1] is None else Role(row[1])


def context_of(row: Row) -> Context:
    """Read a context."""
    return Context(
        id=ContextId(row[0]),
        organization_id=OrganizationId(row[1]),
        name=row[2],
        created_at=Micros(row[3]),
    )


def _restriction_of(row: Row) -> Restriction:
    return Restriction(
        id=RestrictionId(row[0]),
        context_id=ContextId(row[1]),
        type=RestrictionType(row[2]),
        value=row[3],
        name=row[4],
        created_at=Micros(row[5]),
    )
