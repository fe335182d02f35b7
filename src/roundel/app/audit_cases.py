"""What the doors may ask for of the audit log."""

import asyncio
import logging

from roundel.app.engine import Engine
from roundel.domain.audit import Deed
from roundel.domain.clock import Micros
from roundel.domain.errors import Unavailable
from roundel.services.work import Tx

PAUSE_SECONDS = 1.0

log = logging.getLogger(__name__)


class AuditCases:
    """Implements `api.ports.AuditCases`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._owed: list[tuple[Deed, Micros]] = []
        self._paying: asyncio.Task[None] | None = None

    async def record(self, deed: Deed) -> None:
        """Write what was done; it is durable when this returns, if the database takes it.

        If not, the entry is owed and follows: the deed is done, and who asked for it must hear
        so, or he asks again and has it twice.
        """
        at = self._engine.clock.now()
        try:
            await self._engine.database.write(lambda tx: tx.audit.add(deed, at))
        except Unavailable as error:
            log.error(
                "an entry of the audit log is late: %s",
                error,
                extra={"event": "audit-late", "operation": deed.operation, "target": deed.target},
            )
            self._owed.append((deed, at))
            if self._paying is None or self._paying.done():
                self._paying = asyncio.create_task(self._pay(), name="late audit entries")

    async def _pay(self) -> None:
        while owed := self._owed[:]:

            def transaction(tx: Tx, owed: list[tuple[Deed, Micros]] = owed) -> None:
                for deed, at in owed:
                    tx.audit.add(deed, at)

            try:
                await self._engine.database.write(transaction)
            except Unavailable:
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                del self._owed[: len(owed)]
