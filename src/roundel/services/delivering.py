"""Delivering: one lane of a webhook at a time, in order, until each has arrived or is given up."""

from dataclasses import replace

from roundel.domain.clock import DAY, Micros
from roundel.domain.timers import TimerKind
from roundel.domain.webhooks import Delivery, DeliveryStatus, Webhook, WebhookId, retry_at
from roundel.services.telling import lane_of
from roundel.services.webhooks import bound_to
from roundel.services.work import App, Tx
from roundel.vault.cipher import CannotUnseal
from roundel.wire.hooks import USER_AGENT, signature
from roundel.wire.web import WebRefused

KEPT_FOR = 30 * DAY  # how long the log of deliveries goes back
AT_ONCE = 100  # old entries removed beside each delivery


async def deliver(subject: str, app: App) -> None:
    """Send what waits in a lane.  After a failure the lane waits, so that its order is kept.

    A crash between the answer and its record sends an event twice: receivers know it by its id.
    """
    webhook_id, _, lane = subject.partition("/")

    def next_of(tx: Tx) -> tuple[Webhook, Delivery] | None:
        hook = tx.webhooks.get(WebhookId(webhook_id))
        waiting = None if hook is None else tx.webhooks.next_delivery(hook.id, lane)
        if hook is None or waiting is None:
            # In one transaction with the look: what is added later brings its own timer.
            tx.timers.remove_for(TimerKind.DELIVER, subject)
            return None
        return hook, waiting

    while (found := await app.database.write(next_of)) is not None:
        hook, waiting = found
        organization = await _organization_of(hook, app)
        status, problem = await _send(hook, organization, waiting, app)
        if not await _record(waiting, status, problem, app):
            return


async def _organization_of(hook: Webhook, app: App) -> str:
    project = await app.reads.project_by_id(hook.project_id)
    return "" if project is None else project.organization.id


async def _send(
    hook: Webhook, organization: str, delivery: Delivery, app: App
) -> tuple[int | None, str | None]:
    """Make one attempt; return the answer's status and, if it was none to be happy with, why."""
    body = delivery.payload.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "circleci-event-type": delivery.event,
    }
    try:
        if hook.secret is not None:
            secret = app.cipher.unseal(hook.secret, bound_to(organization, hook.id))
            headers["circleci-signature"] = signature(secret, body)
        status = await app.web.post(hook.url, body, headers, verify_tls=hook.verify_tls)
    except (WebRefused, CannotUnseal) as error:
        return None, str(error)
    if 200 <= status < 300:
        return status, None
    return status, f"the receiver answers with status {status}"


async def _record(delivery: Delivery, status: int | None, problem: str | None, app: App) -> bool:
    """Keep what came of an attempt; tell whether the lane may go on at once."""
    at = app.clock.now()
    attempts = delivery.attempts + 1
    again = None if problem is None else retry_at(attempts, at)
    state = DeliveryStatus.DELIVERED if problem is None else DeliveryStatus.FAILED
    after = replace(
        delivery,
        status=state if again is None else DeliveryStatus.WAITING,
        attempts=attempts,
        response_status=status,
        problem=problem,
        attempted_at=at,
    )

    def transaction(tx: Tx) -> None:
        tx.webhooks.save_delivery(after)
        tx.webhooks.forget_deliveries(Micros(at - KEPT_FOR), AT_ONCE)
        if again is not None:
            tx.timers.postpone(TimerKind.DELIVER, lane_of(delivery), again)

    await app.database.write(transaction)
    return again is None
