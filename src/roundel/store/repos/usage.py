"""Usage exports."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId
from roundel.domain.usage import ExportId, ExportState, UsageExport
from roundel.store.dialect import Row, Sql
from roundel.store.rows import json_text, names_of, values_of

EXPORT = "id, organization_id, shared, start_at, end_at, state, created_at, error, size"


def export_of(row: Row) -> UsageExport:
    """Read an export."""
    return UsageExport(
        id=ExportId(row[0]),
        organization_id=OrganizationId(row[1]),
        shared=tuple(map(OrganizationId, names_of(row[2]))),
        start=Micros(row[3]),
        end=Micros(row[4]),
        state=ExportState(row[5]),
        created_at=Micros(row[6]),
        error=row[7],
        size=row[8],
    )


def export(sql: Sql, export_id: ExportId) -> UsageExport | None:
    """Return an export."""
    row = sql.one(f"SELECT {EXPORT} FROM usage_export WHERE id = :id", id=export_id)
    return None if row is None else export_of(row)


def exports(sql: Sql, organization: OrganizationId, limit: int) -> list[UsageExport]:
    """Return an organization's exports, the newest first."""
    rows = sql.all(
        f"SELECT {EXPORT} FROM usage_export WHERE organization_id = :organization"
        " ORDER BY created_at DESC, id DESC LIMIT :limit",
        organization=organization,
        limit=limit,
    )
    return [export_of(row) for row in rows]


class SqlUsageExports:
    """Implements `domain.usage.UsageExports`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, export: UsageExport) -> None:
        """Add an export."""
        self._sql.run(
            f"INSERT INTO usage_export ({EXPORT}) VALUES ({values_of(EXPORT)})",
            id=export.id,
            organization_id=export.organization_id,
            shared=json_text(export.shared),
            start_at=export.start,
            end_at=export.end,
            state=export.state.value,
            created_at=export.created_at,
            error=export.error,
            size=export.size,
        )

    def get(self, export_id: ExportId) -> UsageExport | None:
        """Return the export."""
        return export(self._sql, export_id)

    def save(self, export: UsageExport) -> None:
        """Save all that may change."""
        self._sql.run(
            "UPDATE usage_export SET state = :state, error = :error, size = :size WHERE id = :id",
            state=export.state.value,
            error=export.error,
            size=export.size,
            id=export.id,
        )

    def asked_since(self, organization: OrganizationId, since: Micros) -> Sequence[Micros]:
        """Return when an organisation's exports were asked for, the oldest first."""
        rows = self._sql.all(
            "SELECT created_at FROM usage_export"
            " WHERE organization_id = :organization AND created_at > :since ORDER BY created_at",
            organization=organization,
            since=since,
        )
        return [Micros(row[0]) for row in rows]

    def expire(self, before: Micros, limit: int) -> Sequence[UsageExport]:
        """Remove old exports and return them."""
        rows = self._sql.all(
            "DELETE FROM usage_export WHERE id IN (SELECT id FROM usage_export"
            f" WHERE created_at < :before ORDER BY created_at LIMIT :limit) RETURNING {EXPORT}",
            before=before,
            limit=limit,
        )
        return [export_of(row) for row in rows]
