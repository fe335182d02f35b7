"""Webhooks and their deliveries as the API shows them."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.webhooks import Delivery, DeliveryId, Webhook, WebhookId, WebhookView
from roundel.store.database import Database
from roundel.store.dialect import Sql
from roundel.store.repos.webhooks import (
    DELIVERY,
    WEBHOOK,
    WEBHOOK_WIDTH,
    delivery_of,
    of_project,
    webhook_of,
)
from roundel.store.rows import columns


class SqlWebhookReads:
    """Implements `domain.webhooks.WebhookReads`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    async def webhook(self, webhook_id: WebhookId) -> WebhookView | None:
        """Return a webhook."""
        return await self._read(lambda sql: _webhook(sql, webhook_id))

    async def webhooks(self, project_id: ProjectId) -> Sequence[Webhook]:
        """Return a project's webhooks."""
        return await self._read(lambda sql: of_project(sql, project_id))

    async def delivery_owner(self, delivery_id: DeliveryId) -> OrganizationId | None:
        """Return whose delivery this is."""
        return await self._read(lambda sql: _delivery_owner(sql, delivery_id))

    async def deliveries(
        self,
        webhook_id: WebhookId,
        *,
        before: tuple[Micros, DeliveryId] | None = None,
        limit: int = 20,
    ) -> Sequence[Delivery]:
        """Return a webhook's deliveries, newest first."""
        return await self._read(lambda sql: _deliveries(sql, webhook_id, before, limit))


def _webhook(sql: Sql, webhook_id: WebhookId) -> WebhookView | None:
    row = sql.one(
        f"SELECT {columns(WEBHOOK, 'w')}, p.organization_id FROM webhook w"
        " JOIN project p ON p.id = w.project_id WHERE w.id = :id",
        id=webhook_id,
    )
    if row is None:
        return None
    return WebhookView(webhook=webhook_of(row), organization_id=OrganizationId(row[WEBHOOK_WIDTH]))


def _delivery_owner(sql: Sql, delivery_id: DeliveryId) -> OrganizationId | None:
    row = sql.one(
        "SELECT p.organization_id FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id"
        " JOIN project p ON p.id = w.project_id WHERE d.id = :id",
        id=delivery_id,
    )
    return None if row is None else OrganizationId(row[0])


def _deliveries(
    sql: Sql, webhook_id: WebhookId, before: tuple[Micros, DeliveryId] | None, limit: int
) -> list[Delivery]:
    where = "webhook_id = :webhook"
    values: dict[str, object] = {"webhook": webhook_id, "limit": limit}
    if before is not None:
        where += " AND (created_at, id) < (:created_at, :id)"
        values["created_at"], values["id"] = before
    rows = sql.all(
        f"SELECT {DELIVERY} FROM webhook_delivery WHERE {where}"
        " ORDER BY created_at DESC, id DESC LIMIT :limit",
        **values,
    )
    return [delivery_of(row) for row in rows]
