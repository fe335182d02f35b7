"""Outgoing webhooks: who wants to hear of which ends, and what became of each telling."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NewType, Protocol

from roundel.domain.clock import HOUR, MINUTE, SECOND, Micros
from roundel.domain.contexts import Sealed
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.outbox import EventKind
from roundel.domain.records import dataclass

WebhookId = NewType("WebhookId", str)
DeliveryId = NewType("DeliveryId", str)

PING = "ping"  # the event type of a test delivery
MOST_PER_PROJECT = 5

# How long after the first, second, ... failure another attempt is made.  After the last one the
# delivery is given up; it can still be asked for again.
RETRIES: Sequence[int] = (
    10 * SECOND,
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    3 * HOUR,
    12 * HOUR,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where a project's events are told.  `secret` is None where nothing is signed."""

    id: WebhookId
    project_id: ProjectId
    name: str
    url: str
    verify_tls: bool
    events: tuple[EventKind, ...]
    secret: Sealed | None
    created_at: Micros
    updated_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookView:
    """A webhook, and whose it is."""

    webhook: Webhook
    organization_id: OrganizationId


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChange:
    """What to make of a webhook; None leaves as it is.  An empty secret signs nothing."""

    name: str | None = None
    url: str | None = None
    verify_tls: bool | None = None
    events: tuple[EventKind, ...] | None = None
    secret: str | None = None


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"  # given up


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one webhook.

    `lane` is what it is ordered within, a workflow: the next one of a lane leaves only when the
    one before it has arrived or was given up.  `payload` is sent as it is, also again.
    """

    id: DeliveryId
    webhook_id: WebhookId
    event: str
    lane: str
    payload: str
    status: DeliveryStatus = DeliveryStatus.WAITING
    attempts: int = 0
    response_status: int | None = None
    problem: str | None = None
    created_at: Micros
    attempted_at: Micros | None = None


def retry_at(attempts: int, at: Micros) -> Micros | None:
    """Return when to try again after so many failures; None when it is given up."""
    if attempts > len(RETRIES):
        return None
    return Micros(at + RETRIES[attempts - 1])


class Webhooks(Protocol):
    """Where webhooks and their deliveries are kept."""

    def add(self, webhook: Webhook) -> None: ...

    def get(self, webhook_id: WebhookId) -> Webhook | None: ...

    def save(self, webhook: Webhook) -> None: ...

    def remove(self, webhook_id: WebhookId) -> bool:
        """Remove it with its deliveries; tell whether there was one."""

    def of_project(self, project_id: ProjectId) -> Sequence[Webhook]: ...

    def under_other_keys(self, key_id: str) -> Sequence[tuple[OrganizationId, Webhook]]:
        """Return webhooks whose secret is not sealed under this key, with whose they are."""

    def add_delivery(self, delivery: Delivery) -> None: ...

    def delivery(self, delivery_id: DeliveryId) -> Delivery | None: ...

    def next_delivery(self, webhook_id: WebhookId, lane: str) -> Delivery | None:
        """Return the oldest one of a lane that waits."""

    def save_delivery(self, delivery: Delivery) -> None: ...

    def forget_deliveries(self, before: Micros, limit: int) -> int:
        """Remove old deliveries that wait no more; return how many."""


class WebhookReads(Protocol):
    """What the doors read of webhooks."""

    async def webhook(self, webhook_id: WebhookId) -> WebhookView | None: ...

    async def webhooks(self, project_id: ProjectId) -> Sequence[Webhook]: ...

    async def delivery_owner(self, delivery_id: DeliveryId) -> OrganizationId | None: ...

    async def deliveries(
        self,
        webhook_id: WebhookId,
        *,
        before: tuple[Micros, DeliveryId] | None = None,
        limit: int = 20,
    ) -> Sequence[Delivery]:
        """Return a webhook's deliveries, newest first."""
