"""The audit log as administrators read it."""

from collections.abc import Iterator, Sequence

from roundel.domain.audit import AuditEntry, first_broken
from roundel.domain.ids import OrganizationId
from roundel.store.database import Database
from roundel.store.dialect import Sql
from roundel.store.repos.audit import ENTRY, entry_of

_AT_ONCE = 1000  # entries that are held at a time while the chain is followed


class SqlAuditReads:
    """Implements `domain.audit.AuditReads`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    async def audit(
        self, organization: OrganizationId | None, *, before: int | None, limit: int
    ) -> Sequence[AuditEntry]:
        """Return entries, newest first."""
        return await self._read(lambda sql: _page(sql, organization, before, limit))

    async def broken(self) -> int | None:
        """Return the number of the first entry that was tampered with."""
        return await self._read(lambda sql: first_broken(_all(sql)))


def _page(
    sql: Sql, organization: OrganizationId | None, before: int | None, limit: int
) -> list[AuditEntry]:
    where = "number < :before" + (
        "" if organization is None else " AND organization_id = :organization"
    )
    rows = sql.all(
        f"SELECT {ENTRY} FROM audit WHERE {where} ORDER BY number DESC LIMIT :limit",
        before=2**62 if before is None else before,
        limit=limit,
        **({} if organization is None else {"organization": organization}),
    )
    return [entry_of(row) for row in rows]


def _all(sql: Sql) -> Iterator[AuditEntry]:
    after = 0
    while True:
        rows = sql.all(
            f"SELECT {ENTRY} FROM audit WHERE number > :after ORDER BY number LIMIT :limit",
            after=after,
            limit=_AT_ONCE,
        )
        yield from map(entry_of, rows)
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1][0]
