"""What the doors may ask for of exporters of spans."""

from roundel.app.engine import Engine
from roundel.domain.telemetry import Exporter, ExporterId
from roundel.services.exporters import AddExporter, add_exporter, remove_exporter


class ExporterCases:
    """Implements `api.ports.ExporterCases`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(self, command: AddExporter) -> Exporter:
        """Make an exporter."""
        return await add_exporter(command, self._engine)

    async def remove(self, exporter_id: ExporterId) -> None:
        """Remove an exporter."""
        await remove_exporter(exporter_id, self._engine)
