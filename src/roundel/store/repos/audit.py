"""The audit log."""

from roundel.domain.audit import (
    LONGEST_TARGET,
    START,
    AuditEntry,
    Deed,
    digest_of,
)
from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId
from roundel.store.dialect import Row, Sql
from roundel.store.rows import values_of

ENTRY = "number, at, operation, target, status, actor_id, actor_login, organization_id, digest"


class SqlAudit:
    """Implements `domain.audit.Audit`.  Writes are one after another, so the chain has no forks."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, deed: Deed, at: Micros) -> None:
        """Write what was done behind the last entry."""
        row = self._sql.one("SELECT number, digest FROM audit ORDER BY number DESC LIMIT 1")
        number, before = (1, START) if row is None else (row[0] + 1, row[1])
        target = deed.target[:LONGEST_TARGET].replace("\0", "")
        kept = Deed(
            operation=deed.operation,
            target=target,
            status=deed.status,
            actor_id=deed.actor_id,
            actor_login=deed.actor_login,
            organization_id=deed.organization_id,
        )
        self._sql.run(
            f"INSERT INTO audit ({ENTRY}) VALUES ({values_of(ENTRY)})",
            number=number,
            at=at,
            operation=kept.operation,
            target=target,
            status=kept.status,
            actor_id=kept.actor_id,
            actor_login=kept.actor_login,
            organization_id=kept.organization_id,
            digest=digest_of(number, at, kept, before),
        )


def entry_of(row: Row) -> AuditEntry:
    """Read an entry."""
    return AuditEntry(
        number=row[0],
        at=Micros(row[1]),
        deed=Deed(
            operation=row[2],
            target=row[3],
            status=row[4],
            actor_id=row[5],
            actor_login=row[6],
            organization_id=None if row[7] is None else OrganizationId(row[7]),
        ),
        digest=row[8],
    )
