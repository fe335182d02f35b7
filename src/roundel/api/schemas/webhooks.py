"""Webhooks on the wire: kebab-case, the secret never."""

from typing import Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from roundel.api.schemas.common import Time, Uuid, millis, millis_or_none
from roundel.domain.outbox import EventKind
from roundel.domain.webhooks import Delivery, Webhook

T = TypeVar("T")

MASKED = "****"

Event = Literal["workflow-completed", "job-completed"]


class Scope(msgspec.Struct):
    id: Uuid
    type: str


class ScopeWanted(msgspec.Struct):
    id: Uuid
    type: Literal["project"]


class WebhookShown(msgspec.Struct, rename=lambda name: name.replace("_", "-")):
    id: Uuid
    name: str
    url: str
    verify_tls: bool
    signing_secret: str
    scope: Scope
    events: list[Event]
    created_at: Time
    updated_at: Time


class WebhookBody(msgspec.Struct, rename=lambda name: name.replace("_", "-")):
    """What to make; an empty secret signs nothing."""

    name: str
    events: list[Event]
    url: str
    scope: ScopeWanted
    verify_tls: bool = True
    signing_secret: str = ""


class WebhookPatch(msgspec.Struct, rename=lambda name: name.replace("_", "-")):
    """What to change; what is left out stays."""

    name: str | UnsetType = UNSET
    events: list[Event] | UnsetType = UNSET
    url: str | UnsetType = UNSET
    verify_tls: bool | UnsetType = UNSET
    signing_secret: str | UnsetType = UNSET


class DeliveryShown(msgspec.Struct):
    """One event told to a webhook: what was sent, and what came of it."""

    id: Uuid
    event: str
    status: str
    attempts: int
    response_status: int | None
    problem: str | None
    created_at: Time
    attempted_at: Time | None
    payload: msgspec.Raw


def webhook_shown(hook: Webhook) -> WebhookShown:
    return WebhookShown(
        id=hook.id,
        name=hook.name,
        url=hook.url,
        verify_tls=hook.verify_tls,
        signing_secret="" if hook.secret is None else MASKED,
        scope=Scope(hook.project_id, "project"),
        events=[event.value for event in hook.events],
        created_at=millis(hook.created_at),
        updated_at=millis(hook.updated_at),
    )


def delivery_shown(delivery: Delivery) -> DeliveryShown:
    return DeliveryShown(
        id=delivery.id,
        event=delivery.event,
        status=delivery.status.value,
        attempts=delivery.attempts,
        response_status=delivery.response_status,
        problem=delivery.problem,
        created_at=millis(delivery.created_at),
        attempted_at=millis_or_none(delivery.attempted_at),
        payload=msgspec.Raw(delivery.payload.encode()),
    )


def given(value: T | UnsetType) -> T | None:
    """Return what a body says, or None where it says nothing."""
    return None if isinstance(value, UnsetType) else value


def kinds_of(events: list[Event] | UnsetType) -> tuple[EventKind, ...] | None:
    return None if isinstance(events, UnsetType) else tuple(map(EventKind, events))
