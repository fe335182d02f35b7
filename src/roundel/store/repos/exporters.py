"""Exporters of spans, and the workflows that they wait for."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.contexts import Sealed
from roundel.domain.ids import OrganizationId, ProjectId, WorkflowId
from roundel.domain.telemetry import Exporter, ExporterId, OtlpProtocol, WaitingExport
from roundel.store.dialect import Row, Sql
from roundel.store.rows import json_text, names_of, values_of

EXPORTER = (
    "id, organization_id, endpoint, protocol, insecure, headers_key_id, headers_value, "
    "header_names, created_at"
)
EXPORT = "exporter_id, workflow_id, attempts, ended_at"


def exporter_of(row: Row) -> Exporter:
    """Read an exporter."""
    return Exporter(
        id=ExporterId(row[0]),
        organization_id=OrganizationId(row[1]),
        endpoint=row[2],
        protocol=OtlpProtocol(row[3]),
        insecure=bool(row[4]),
        headers=None if row[5] is None else Sealed(key_id=row[5], data=row[6]),
        header_names=names_of(row[7]),
        created_at=Micros(row[8]),
    )


class SqlExporters:
    """Implements `domain.telemetry.Exporters`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, exporter: Exporter) -> None:
        """Add an exporter."""
        self._sql.run(
            f"INSERT INTO otlp_exporter ({EXPORTER}) VALUES ({values_of(EXPORTER)})",
            id=exporter.id,
            organization_id=exporter.organization_id,
            endpoint=exporter.endpoint,
            protocol=exporter.protocol.value,
            insecure=int(exporter.insecure),
            header_names=json_text(exporter.header_names),
            created_at=exporter.created_at,
            **_sealed(exporter.headers),
        )

    def get(self, exporter_id: ExporterId) -> Exporter | None:
        """Return the exporter."""
        return get(self._sql, exporter_id)

    def remove(self, exporter_id: ExporterId) -> bool:
        """Remove it with what waits for it; tell whether there was one."""
        self._sql.run("DELETE FROM otlp_export WHERE exporter_id = :id", id=exporter_id)
        return self._sql.run("DELETE FROM otlp_exporter WHERE id = :id", id=exporter_id) > 0

    def of_organization(self, organization_id: OrganizationId) -> Sequence[Exporter]:
        """Return an organisation's exporters in the order of their making."""
        return of_organization(self._sql, organization_id)

    def of_project(self, project_id: ProjectId) -> Sequence[ExporterId]:
        """Return those of the organisation whose project it is."""
        rows = self._sql.all(
            "SELECT e.id FROM otlp_exporter e"
            " JOIN project p ON p.organization_id = e.organization_id WHERE p.id = :project",
            project=project_id,
        )
        return [ExporterId(row[0]) for row in rows]

    def reseal(self, exporter: Exporter) -> None:
        """Save its headers."""
        self._sql.run(
            "UPDATE otlp_exporter SET headers_key_id = :headers_key_id,"
            " headers_value = :headers_value WHERE id = :id",
            id=exporter.id,
            **_sealed(exporter.headers),
        )

    def under_other_keys(self, key_id: str) -> Sequence[Exporter]:
        """Return exporters whose headers are not sealed under this key."""
        rows = self._sql.all(
            f"SELECT {EXPORTER} FROM otlp_exporter"
            " WHERE headers_key_id IS NOT NULL AND headers_key_id <> :key",
            key=key_id,
        )
        return [exporter_of(row) for row in rows]

    def await_export(self, export: WaitingExport) -> None:
        """Add it unless it waits already."""
        self._sql.run(
            f"INSERT INTO otlp_export ({EXPORT}) VALUES ({values_of(EXPORT)})"
            " ON CONFLICT (exporter_id, workflow_id) DO NOTHING",
            exporter_id=export.exporter_id,
            workflow_id=export.workflow_id,
            attempts=export.attempts,
            ended_at=export.ended_at,
        )

    def next_export(self, exporter_id: ExporterId) -> WaitingExport | None:
        """Return the oldest one."""
        row = self._sql.one(
            f"SELECT {EXPORT} FROM otlp_export WHERE exporter_id = :id"
            " ORDER BY ended_at, workflow_id LIMIT 1",
            id=exporter_id,
        )
        if row is None:
            return None
        return WaitingExport(
            exporter_id=ExporterId(row[0]),
            workflow_id=WorkflowId(row[1]),
            attempts=row[2],
            ended_at=Micros(row[3]),
        )

    def failed(self, export: WaitingExport) -> None:
        """Count an attempt."""
        self._sql.run(
            "UPDATE otlp_export SET attempts = attempts + 1"
            " WHERE exporter_id = :exporter AND workflow_id = :workflow",
            exporter=export.exporter_id,
            workflow=export.workflow_id,
        )

    def done(self, export: WaitingExport) -> None:
        """Remove what was heard."""
        self._sql.run(
            "DELETE FROM otlp_export WHERE exporter_id = :exporter AND workflow_id = :workflow",
            exporter=export.exporter_id,
            workflow=export.workflow_id,
        )

    def forget(self, exporter_id: ExporterId, before: Micros) -> int:
        """Remove what has waited since before then; return how many."""
        return self._sql.run(
            "DELETE FROM otlp_export WHERE exporter_id = :id AND ended_at < :before",
            id=exporter_id,
            before=before,
        )


def get(sql: Sql, exporter_id: ExporterId) -> Exporter | None:
    """Return the exporter."""
    row = sql.one(f"SELECT {EXPORTER} FROM otlp_exporter WHERE id = :id", id=exporter_id)
    return None if row is None else exporter_of(row)


def of_organization(sql: Sql, organization_id: OrganizationId) -> list[Exporter]:
    """Return an organisation's exporters in the order of their making."""
    rows = sql.all(
        f"SELECT {EXPORTER} FROM otlp_exporter WHERE organization_id = :organization"
        " ORDER BY created_at, id",
        organization=organization_id,
    )
    return [exporter_of(row) for row in rows]


def _sealed(headers: Sealed | None) -> dict[str, object]:
    return {
        "headers_key_id": None if headers is None else headers.key_id,
        "headers_value": None if headers is None else headers.data,
    }
