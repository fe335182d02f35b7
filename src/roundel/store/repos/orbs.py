"""Orb locks, and the allow-lists of URL orbs."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId, PipelineId
from roundel.domain.orbs import OrbLock, UrlOrbId, UrlOrbPrefix
from roundel.store.dialect import Sql
from roundel.store.rows import values_of

LOCK = "pipeline_id, written, exact, digest"
PREFIX = "id, organization_id, name, prefix, created_at"


class SqlOrbRecords:
    """Implements `domain.orbs.OrbRecords`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def lock(self, pipeline_id: PipelineId, locks: Sequence[OrbLock]) -> None:
        """Add to what is locked of a pipeline; what is locked already stays."""
        self._sql.each(
            f"INSERT INTO orb_lock ({LOCK}) VALUES ({values_of(LOCK)}) ON CONFLICT DO NOTHING",
            [
                {
                    "pipeline_id": pipeline_id,
                    "written": lock.written,
                    "exact": lock.exact,
                    "digest": lock.digest,
                }
                for lock in locks
            ],
        )

    def allow(self, entry: UrlOrbPrefix) -> bool:
        """Add an entry; tell whether it is new."""
        added = self._sql.run(
            f"INSERT INTO url_orb_prefix ({PREFIX}) VALUES ({values_of(PREFIX)})"
            " ON CONFLICT DO NOTHING",
            id=entry.id,
            organization_id=entry.organization_id,
            name=entry.name,
            prefix=entry.prefix,
            created_at=entry.created_at,
        )
        return added > 0

    def forbid(self, organization: OrganizationId, entry: UrlOrbId) -> bool:
        """Remove an entry; tell whether there was one."""
        removed = self._sql.run(
            "DELETE FROM url_orb_prefix WHERE id = :id AND organization_id = :organization",
            id=entry,
            organization=organization,
        )
        return removed > 0


def url_orbs(sql: Sql, organization: OrganizationId) -> list[UrlOrbPrefix]:
    """Return an organisation's allow-list in the order of its making."""
    rows = sql.all(
        f"SELECT {PREFIX} FROM url_orb_prefix WHERE organization_id = :organization"
        " ORDER BY created_at, id",
        organization=organization,
    )
    return [
        UrlOrbPrefix(
            id=UrlOrbId(row[0]),
            organization_id=OrganizationId(row[1]),
            name=row[2],
            prefix=row[3],
            created_at=Micros(row[4]),
        )
        for row in rows
    ]


def orb_lock(sql: Sql, pipeline_id: PipelineId) -> list[OrbLock]:
    """Return what was locked of a pipeline, by reference."""
    rows = sql.all(
        "SELECT written, exact, digest FROM orb_lock WHERE pipeline_id = :id ORDER BY written",
        id=pipeline_id,
    )
    return [OrbLock(written=row[0], exact=row[1], digest=row[2]) for row in rows]
