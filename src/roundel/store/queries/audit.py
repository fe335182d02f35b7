"""The audit log as administrators read it."""

from collections.abc import Iterator, Sequence

from roundel.domain.audit import (
    LOOKED_THROUGH,
    AuditEntry,
    AuditFilter,
    AuditPage,
    first_broken,
)
from roundel.domain.ids import OrganizationId
from roundel.store.database import Database
from roundel.store.dialect import Sql, inside, like
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

    async def searched(
        self, organization: OrganizationId, wanted: AuditFilter, *, before: int | None, limit: int
    ) -> AuditPage:
        """Return what fits of the next entries, newest first."""
        return await self._read(lambda sql: _searched(sql, organization, wanted, before, limit))

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


# Who needs it: the page of the log.  The inner list bounds what a filter looks through.
_NEAR = (
    f"(SELECT {ENTRY} FROM audit WHERE organization_id = :organization"
    " AND number < :before ORDER BY number DESC LIMIT :most) AS near"
)


def _searched(
    sql: Sql, organization: OrganizationId, wanted: AuditFilter, before: int | None, limit: int
) -> AuditPage:
    near: dict[str, object] = {
        "organization": organization,
        "before": 2**62 if before is None else before,
        "most": LOOKED_THROUGH,
    }
    where, values = ["number > 0"], {**near, "limit": limit + 1}
    if wanted.actor:
        where.append("actor_login = :actor")
        values["actor"] = wanted.actor
    if wanted.text:
        where.append(f"({like('operation', 'text')} OR {like('target', 'text')})")
        values["text"] = inside(wanted.text)
    rows = sql.all(
        f"SELECT {ENTRY} FROM {_NEAR} WHERE {' AND '.join(where)}"
        " ORDER BY number DESC LIMIT :limit",
        **values,
    )
    entries = [entry_of(row) for row in rows[:limit]]
    if len(rows) > limit:
        return AuditPage(entries=entries, before=entries[-1].number)
    end = sql.one(f"SELECT min(number), count(*) FROM {_NEAR}", **near)
    more = end is not None and end[1] == LOOKED_THROUGH
    return AuditPage(entries=entries, before=end[0] if end is not None and more else None)


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
