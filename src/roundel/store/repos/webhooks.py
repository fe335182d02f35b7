"""Outgoing webhooks and their deliveries."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.contexts import Sealed
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.outbox import EventKind
from roundel.domain.webhooks import Delivery, DeliveryId, DeliveryStatus, Webhook, WebhookId
from roundel.store.dialect import Row, Sql
from roundel.store.rows import columns, json_text, names_of, values_of

WEBHOOK = (
    "id, project_id, name, url, verify_tls, events, secret_key_id, secret_value, created_at, "
    "updated_at"
)
WEBHOOK_WIDTH = 10
DELIVERY = (
    "id, webhook_id, event, lane, payload, status, attempts, response_status, problem, "
    "created_at, attempted_at"
)


def webhook_of(row: Row) -> Webhook:
    """Read a webhook."""
    return Webhook(
        id=WebhookId(row[0]),
        project_id=ProjectId(row[1]),
        name=row[2],
        url=row[3],
        verify_tls=bool(row[4]),
        events=tuple(map(EventKind, names_of(row[5]))),
        secret=None if row[6] is None else Sealed(key_id=row[6], data=row[7]),
        created_at=Micros(row[8]),
        updated_at=Micros(row[9]),
    )


def delivery_of(row: Row) -> Delivery:
    """Read a delivery."""
    return Delivery(
        id=DeliveryId(row[0]),
        webhook_id=WebhookId(row[1]),
        event=row[2],
        lane=row[3],
        payload=row[4],
        status=DeliveryStatus(row[5]),
        attempts=row[6],
        response_status=row[7],
        problem=row[8],
        created_at=Micros(row[9]),
        attempted_at=row[10],
    )


class SqlWebhooks:
    """Implements `domain.webhooks.Webhooks`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, webhook: Webhook) -> None:
        """Add a webhook."""
        self._sql.run(
            f"INSERT INTO webhook ({WEBHOOK}) VALUES ({values_of(WEBHOOK)})", **_row(webhook)
        )

    def get(self, webhook_id: WebhookId) -> Webhook | None:
        """Return the webhook."""
        row = self._sql.one(f"SELECT {WEBHOOK} FROM webhook WHERE id = :id", id=webhook_id)
        return None if row is None else webhook_of(row)

    def save(self, webhook: Webhook) -> None:
        """Save all that may change."""
        self._sql.run(
            "UPDATE webhook SET name = :name, url = :url, verify_tls = :verify_tls,"
            " events = :events, secret_key_id = :secret_key_id, secret_value = :secret_value,"
            " updated_at = :updated_at"
            " WHERE id = :id",
            **_row(webhook),
        )

    def remove(self, webhook_id: WebhookId) -> bool:
        """Remove it with its deliveries; tell whether there was one."""
        self._sql.run("DELETE FROM webhook_delivery WHERE webhook_id = :id", id=webhook_id)
        return self._sql.run("DELETE FROM webhook WHERE id = :id", id=webhook_id) > 0

    def of_project(self, project_id: ProjectId) -> Sequence[Webhook]:
        """Return a project's webhooks in the order of their making."""
        return of_project(self._sql, project_id)

    def under_other_keys(self, key_id: str) -> Sequence[tuple[OrganizationId, Webhook]]:
        """Return webhooks whose secret is not sealed under this key, with whose they are."""
        rows = self._sql.all(
            f"SELECT {columns(WEBHOOK, 'w')}, p.organization_id FROM webhook w"
            " JOIN project p ON p.id = w.project_id"
            " WHERE w.secret_key_id IS NOT NULL AND w.secret_key_id <> :key",
            key=key_id,
        )
        return [(OrganizationId(row[WEBHOOK_WIDTH]), webhook_of(row)) for row in rows]

    def add_delivery(self, delivery: Delivery) -> None:
        """Add a delivery."""
        self._sql.run(
            f"INSERT INTO webhook_delivery ({DELIVERY}) VALUES ({values_of(DELIVERY)})",
            **_delivery_row(delivery),
        )

    def delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """Return the delivery."""
        row = self._sql.one(
            f"SELECT {DELIVERY} FROM webhook_delivery WHERE id = :id", id=delivery_id
        )
        return None if row is None else delivery_of(row)

    def next_delivery(self, webhook_id: WebhookId, lane: str) -> Delivery | None:
        """Return the oldest one of a lane that waits."""
        row = self._sql.one(
            f"SELECT {DELIVERY} FROM webhook_delivery WHERE webhook_id = :webhook"
            " AND lane = :lane AND status = 'waiting' ORDER BY created_at, event, id LIMIT 1",
            webhook=webhook_id,
            lane=lane,
        )
        return None if row is None else delivery_of(row)

    def save_delivery(self, delivery: Delivery) -> None:
        """Save what became of a delivery."""
        self._sql.run(
            "UPDATE webhook_delivery SET status = :status, attempts = :attempts,"
            " response_status = :response_status, problem = :problem,"
            " attempted_at = :attempted_at WHERE id = :id",
            **_delivery_row(delivery),
        )

    def forget_deliveries(self, before: Micros, limit: int) -> int:
        """Remove old deliveries that wait no more; return how many."""
        return self._sql.run(
            "DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery"
            " WHERE status <> 'waiting' AND created_at < :before LIMIT :limit)",
            before=before,
            limit=limit,
        )


def of_project(sql: Sql, project_id: ProjectId) -> list[Webhook]:
    """Return a project's webhooks in the order of their making."""
    rows = sql.kept(
        f"SELECT {WEBHOOK} FROM webhook WHERE project_id = :project ORDER BY created_at, id",
        project=project_id,
    )
    return [webhook_of(row) for row in rows]


def _row(webhook: Webhook) -> dict[str, object]:
    return {
        "id": webhook.id,
        "project_id": webhook.project_id,
        "name": webhook.name,
        "url": webhook.url,
        "verify_tls": int(webhook.verify_tls),
        "events": json_text(webhook.events),
        "secret_key_id": None if webhook.secret is None else webhook.secret.key_id,
        "secret_value": None if webhook.secret is None else webhook.secret.data,
        "created_at": webhook.created_at,
        "updated_at": webhook.updated_at,
    }


def _delivery_row(delivery: Delivery) -> dict[str, object]:
    return {
        "id": delivery.id,
        "webhook_id": delivery.webhook_id,
        "event": delivery.event,
        "lane": delivery.lane,
        "payload": delivery.payload,
        "status": delivery.status.value,
        "attempts": delivery.attempts,
        "response_status": delivery.response_status,
        "problem": delivery.problem,
        "created_at": delivery.created_at,
        "attempted_at": delivery.attempted_at,
    }
