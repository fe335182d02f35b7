"""Outgoing webhooks: made, changed and removed; tried out, and told again."""

import json
from dataclasses import replace

from roundel.domain.clock import rfc3339_millis
from roundel.domain.contexts import Sealed
from roundel.domain.errors import IllegalMove, Invalid, NotFound
from roundel.domain.ids import new_id
from roundel.domain.projects import Project
from roundel.domain.webhooks import (
    MOST_PER_PROJECT,
    PING,
    Delivery,
    DeliveryId,
    DeliveryStatus,
    Webhook,
    WebhookChange,
    WebhookId,
    WebhookView,
)
from roundel.services.telling import arm_delivery, put_delivery
from roundel.services.work import TIMERS, App, Tx
from roundel.wire import hooks
from roundel.wire.web import WebRefused

LONGEST_NAME = 200
LONGEST_URL = 2000
LONGEST_SECRET = 1000


def bound_to(organization: str, webhook_id: WebhookId) -> bytes:
    """Return what a signing secret is bound to."""
    return json.dumps([organization, "webhook", webhook_id, "signing-secret"]).encode()


async def add_webhook(project: Project, wanted: WebhookChange, app: App) -> Webhook:
    """Make a webhook; refuse an address that must not be asked, and one too many."""
    at = app.clock.now()
    blank = Webhook(
        id=WebhookId(new_id()),
        project_id=project.id,
        name="",
        url="",
        verify_tls=True,
        events=(),
        secret=None,
        created_at=at,
        updated_at=at,
    )
    made = _changed(blank, project.organization.id, wanted, app)

    def transaction(tx: Tx) -> None:
        if len(tx.webhooks.of_project(project.id)) >= MOST_PER_PROJECT:
            raise Invalid(
                f"The project has {MOST_PER_PROJECT} webhooks, and more are not possible."
            )
        tx.webhooks.add(made)

    await app.database.write(transaction)
    return made


async def change_webhook(view: WebhookView, wanted: WebhookChange, app: App) -> Webhook:
    """Change what is named; return the webhook as it is then."""
    after = _changed(view.webhook, view.organization_id, wanted, app)
    after = replace(after, updated_at=app.clock.now())
    await app.database.write(lambda tx: tx.webhooks.save(after))
    return after


async def remove_webhook(webhook_id: WebhookId, app: App) -> None:
    """Remove a webhook and its deliveries."""

    def transaction(tx: Tx) -> None:
        if not tx.webhooks.remove(webhook_id):
            raise NotFound("Webhook not found")

    await app.database.write(transaction)


async def ping_webhook(hook: Webhook, app: App) -> Delivery:
    """Send a test event to a webhook."""
    at = app.clock.now()
    own = new_id()
    body = hooks.HookPing(PING, own, rfc3339_millis(at), hooks.Named(hook.id, hook.name))

    def transaction(tx: Tx) -> Delivery:
        tx.wake(TIMERS)
        return put_delivery(tx, hook, PING, own, hooks.json_of(body), at)

    return await app.database.write(transaction)


async def tell_again(delivery_id: DeliveryId, app: App) -> Delivery:
    """Send a delivery again, as it was the first time."""
    at = app.clock.now()

    def transaction(tx: Tx) -> Delivery:
        delivery = tx.webhooks.delivery(delivery_id)
        if delivery is None:
            raise NotFound("Delivery not found")
        if delivery.status is DeliveryStatus.WAITING:
            raise IllegalMove("The delivery is on its way still.")
        again = replace(delivery, status=DeliveryStatus.WAITING, attempts=0)
        tx.webhooks.save_delivery(again)
        arm_delivery(tx, again, at)
        tx.wake(TIMERS)
        return again

    return await app.database.write(transaction)


async def reseal_webhooks(app: App) -> int:
    """Seal secrets that are under another key under the current one; return how many."""
    cipher = app.cipher

    def transaction(tx: Tx) -> int:
        found = [
            (organization, hook, hook.secret)
            for organization, hook in tx.webhooks.under_other_keys(cipher.current)
            if hook.secret is not None and cipher.knows(hook.secret.key_id)
        ]
        for organization, hook, secret in found:
            bound = bound_to(organization, hook.id)
            anew = cipher.seal(cipher.unseal(secret, bound), bound)
            tx.webhooks.save(replace(hook, secret=anew))
        return len(found)

    return await app.database.write(transaction)


def _changed(hook: Webhook, organization: str, wanted: WebhookChange, app: App) -> Webhook:
    name = hook.name if wanted.name is None else _checked_name(wanted.name)
    url = hook.url if wanted.url is None else _checked_url(wanted.url, app)
    events = hook.events if wanted.events is None else tuple(dict.fromkeys(wanted.events))
    if not events:
        raise Invalid("events: expected at least one of workflow-completed and job-completed")
    secret: Sealed | None = hook.secret
    if wanted.secret is not None:
        if len(wanted.secret) > LONGEST_SECRET:
            raise Invalid(f"signing-secret: longer than {LONGEST_SECRET} characters")
        bound = bound_to(organization, hook.id)
        secret = app.cipher.seal(wanted.secret, bound) if wanted.secret else None
    verify = hook.verify_tls if wanted.verify_tls is None else wanted.verify_tls
    return replace(hook, name=name, url=url, events=events, secret=secret, verify_tls=verify)


def _checked_name(name: str) -> str:
    if not name.strip():
        raise Invalid("name: expected a text, got an empty one")
    if len(name) > LONGEST_NAME:
        raise Invalid(f"name: longer than {LONGEST_NAME} characters")
    return name


def _checked_url(url: str, app: App) -> str:
    if len(url) > LONGEST_URL:
        raise Invalid(f"url: longer than {LONGEST_URL} characters")
    try:
        app.web.check(url)
    except WebRefused as refused:
        raise Invalid(f"url: {refused}") from refused
    return url
