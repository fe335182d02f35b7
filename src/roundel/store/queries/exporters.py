"""Exporters of spans as the API shows them."""

from collections.abc import Sequence

from roundel.domain.ids import OrganizationId
from roundel.domain.telemetry import Exporter, ExporterId
from roundel.store.database import Database
from roundel.store.repos.exporters import get, of_organization


class SqlExporterReads:
    """Implements `domain.telemetry.ExporterReads`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    async def exporter(self, exporter_id: ExporterId) -> Exporter | None:
        """Return an exporter."""
        return await self._read(lambda sql: get(sql, exporter_id))

    async def exporters(self, organization_id: OrganizationId) -> Sequence[Exporter]:
        """Return an organisation's exporters."""
        return await self._read(lambda sql: of_organization(sql, organization_id))
