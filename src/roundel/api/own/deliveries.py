"""The log of a webhook's deliveries; trying a webhook out, and telling an event again."""

from collections.abc import Mapping

from roundel.api.operations import (
    OWN,
    PAGE_TOKEN,
    AnyOperation,
    Call,
    Found,
    Operation,
    Subject,
)
from roundel.api.paging import PAGE_SIZE, page, read_token, token
from roundel.api.readers import ApiApp
from roundel.api.schemas.common import Page
from roundel.api.schemas.webhooks import DeliveryShown, delivery_shown
from roundel.api.v2.webhooks import WEBHOOK
from roundel.domain.access import Need
from roundel.domain.ids import is_uuid
from roundel.domain.webhooks import DeliveryId, WebhookView


async def _delivery(app: ApiApp, path: Mapping[str, str]) -> Found[DeliveryId] | None:
    text = path["delivery-id"]
    if not is_uuid(text):
        return None
    delivery = DeliveryId(text.lower())
    owner = await app.webhooks.delivery_owner(delivery)
    return None if owner is None else Found(owner, delivery)


NO_DELIVERY = "Delivery not found"
DELIVERY = Subject(find=_delivery, missing=NO_DELIVERY, outside=NO_DELIVERY)


async def deliveries(call: Call[WebhookView, None]) -> Page[DeliveryShown]:
    before = read_token("deliveries", call.query.get("page-token"))
    rows = await call.app.webhooks.deliveries(
        call.subject.webhook.id,
        before=None if before is None else (before[0], DeliveryId(before[1])),
        limit=PAGE_SIZE + 1,
    )
    shown, last = page(rows)
    following = None if last is None else token("deliveries", last.created_at, last.id)
    return Page([delivery_shown(it) for it in shown], following)


async def ping(call: Call[WebhookView, None]) -> DeliveryShown:
    return delivery_shown(await call.door.use_cases.webhooks.ping_webhook(call.subject.webhook))


async def again(call: Call[DeliveryId, None]) -> DeliveryShown:
    return delivery_shown(await call.door.use_cases.webhooks.tell_again(call.subject))


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/webhook/{webhook-id}/deliveries",
        id="listWebhookDeliveries",
        summary="List what was told to a webhook, newest first",
        tag="Roundel",
        need=Need.READ,
        subject=WEBHOOK,
        handler=deliveries,
        prefix=OWN,
        answer=Page[DeliveryShown],
        query=(PAGE_TOKEN,),
        extension=True,
    ),
    Operation(
        method="POST",
        path="/webhook/{webhook-id}/ping",
        id="pingWebhook",
        summary="Send a test event to a webhook",
        tag="Roundel",
        need=Need.WRITE,
        subject=WEBHOOK,
        handler=ping,
        prefix=OWN,
        answer=DeliveryShown,
        status=202,
        extension=True,
    ),
    Operation(
        method="POST",
        path="/webhook-delivery/{delivery-id}/redeliver",
        id="redeliverWebhook",
        summary="Tell an event again",
        tag="Roundel",
        need=Need.WRITE,
        subject=DELIVERY,
        handler=again,
        prefix=OWN,
        answer=DeliveryShown,
        status=202,
        extension=True,
    ),
]
