"""What the doors may ask for of the audit log."""

from roundel.app.engine import Engine
from roundel.domain.audit import Deed


class AuditCases:
    """Implements `api.ports.AuditCases`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def record(self, deed: Deed) -> None:
        """Write what was done; it is durable when this returns."""
        at = self._engine.clock.now()
        await self._engine.database.write(lambda tx: tx.audit.add(deed, at))
