"""Connections and their deliveries as the API shows them."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.git_hosts import Connection, ConnectionId, DeliveryId, GitDelivery
from roundel.domain.ids import OrganizationId
from roundel.store.database import Database
from roundel.store.dialect import Sql
from roundel.store.repos.git_hosts import (
    DELIVERY,
    delivery_of,
    of_organization,
    one_connection,
)

_LAST = (Micros(2**62), DeliveryId("~"))


class SqlConnectionReads:
    """Implements `domain.git_hosts.ConnectionReads`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    async def connection(self, connection_id: ConnectionId) -> Connection | None:
        """Return the connection."""
        return await self._read(lambda sql: one_connection(sql, connection_id))

    async def connections(self, organization_id: OrganizationId) -> Sequence[Connection]:
        """Return an organisation's connections, and those of its projects."""
        return await self._read(lambda sql: of_organization(sql, organization_id))

    async def deliveries(
        self,
        connection_id: ConnectionId,
        *,
        before: tuple[Micros, DeliveryId] | None,
        limit: int,
    ) -> Sequence[GitDelivery]:
        """Return a keyset page, newest first."""
        return await self._read(lambda sql: _deliveries(sql, connection_id, before, limit))


def _deliveries(
    sql: Sql,
    connection_id: ConnectionId,
    before: tuple[Micros, DeliveryId] | None,
    limit: int,
) -> list[GitDelivery]:
    at, last = before or _LAST
    rows = sql.all(
        f"SELECT {DELIVERY} FROM git_delivery WHERE connection_id = :connection"
        " AND (created_at, id) < (:at, :last) ORDER BY created_at DESC, id DESC LIMIT :limit",
        connection=connection_id,
        at=at,
        last=last,
        limit=limit,
    )
    return [delivery_of(row) for row in rows]
