"""Outbound webhooks of a project, and the log of what was told to them."""

import json
from collections.abc import Sequence

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.ids import is_uuid
from roundel.domain.outbox import EventKind
from roundel.domain.projects import Project
from roundel.domain.webhooks import MOST_PER_PROJECT, Delivery, DeliveryId, WebhookChange
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.forms import Fields
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.refusals import refused_on
from roundel.web.settings_pages import after_of, cut, done, show_project
from roundel.web.subjects import WebhookHere

PAGE_SIZE = 20
EVENTS = {
    EventKind.WORKFLOW_COMPLETED: "Workflow completed",
    EventKind.JOB_COMPLETED: "Job completed",
}
# What refusals begin with; the field that is meant, and how the form calls it.
_FIELDS: Fields = {
    "name:": ("name", "Name:"),
    "url:": ("url", "Address:"),
    "events: expected at least one of workflow-completed and job-completed": (
        "event",
        "Tell of: tick at least one of the two",
    ),
    "Events:": ("event", ""),
    "signing-secret:": ("secret", "Secret:"),
}
NO_DELIVERY = "This delivery is not in the log any more."


async def webhooks(visit: Visit[Project], *, problem: str = "", status: int = 200) -> Response:
    return await show_project(
        visit,
        visit.subject,
        "project_webhooks.html",
        problem=problem,
        status=status,
        webhooks=await visit.app.webhooks.webhooks(visit.subject.id),
        most=MOST_PER_PROJECT,
        events=EVENTS,
    )


@refused_on(webhooks, _FIELDS)
async def add(visit: Visit[Project]) -> Response:
    wanted = WebhookChange(
        name=visit.field("name").strip(),
        url=visit.field("url").strip(),
        verify_tls=visit.field("verify_tls") == "1",
        events=_events(visit.form.get("event", ())),
        secret=visit.field("secret"),
    )
    made = await visit.hall.use_cases.webhooks.add_webhook(visit.subject, wanted)
    return done(f"{address_of.project_settings(visit.subject)}/webhooks/{made.id}", "added")


def _events(texts: Sequence[str]) -> tuple[EventKind, ...]:
    for text in texts:
        if text not in list(EventKind):
            raise Invalid(f"Events: expected {' or '.join(EventKind)}, got {text[:40]!r}")
    return tuple(EventKind(text) for text in texts)


async def webhook(visit: Visit[WebhookHere], *, problem: str = "", status: int = 200) -> Response:
    here, before = visit.subject, after_of(visit)
    rows, last = cut(
        await visit.app.webhooks.deliveries(
            here.view.webhook.id,
            before=None if before is None else (Micros(before[0]), DeliveryId(before[1])),
            limit=PAGE_SIZE + 1,
        ),
        PAGE_SIZE,
    )
    return await show_project(
        visit,
        here.project,
        "project_webhook.html",
        problem=problem,
        status=status,
        webhook=here.view.webhook,
        deliveries=[(it, _readable(it)) for it in rows],
        after=None if last is None else f"{last.created_at}.{last.id}",
        first=before is None,
        events=EVENTS,
    )


def _readable(delivery: Delivery) -> str:
    try:
        return json.dumps(json.loads(delivery.payload), indent=2, ensure_ascii=False)
    except ValueError:
        return delivery.payload


@refused_on(webhook, _FIELDS)
async def change(visit: Visit[WebhookHere]) -> Response:
    """Take the form as a whole; an empty secret leaves the one that there is."""
    secret: str | None = visit.field("secret") or None
    if visit.field("unsigned") == "1":
        secret = ""
    wanted = WebhookChange(
        name=visit.field("name").strip(),
        url=visit.field("url").strip(),
        verify_tls=visit.field("verify_tls") == "1",
        events=_events(visit.form.get("event", ())),
        secret=secret,
    )
    await visit.hall.use_cases.webhooks.change_webhook(visit.subject.view, wanted)
    return _back(visit, "saved")


@refused_on(webhook)
async def ping(visit: Visit[WebhookHere]) -> Response:
    await visit.hall.use_cases.webhooks.ping_webhook(visit.subject.view.webhook)
    return _back(visit, "sent")


@refused_on(webhook)
async def tell_again(visit: Visit[WebhookHere]) -> Response:
    """Tell an event again; only one that was told to this organization's webhooks."""
    text = visit.field("delivery").lower()
    owner = await visit.app.webhooks.delivery_owner(DeliveryId(text)) if is_uuid(text) else None
    if owner != visit.subject.project.organization.id:
        raise NotFound(NO_DELIVERY)
    await visit.hall.use_cases.webhooks.tell_again(DeliveryId(text))
    return _back(visit, "sent")


@refused_on(webhook)
async def remove(visit: Visit[WebhookHere]) -> Response:
    await visit.hall.use_cases.webhooks.remove_webhook(visit.subject.view.webhook.id)
    return done(f"{address_of.project_settings(visit.subject.project)}/webhooks", "removed")


def _back(visit: Visit[WebhookHere], what: str) -> Response:
    here = visit.subject
    path = f"{address_of.project_settings(here.project)}/webhooks/{here.view.webhook.id}"
    return done(path, what)


_ALL = "/settings/project/{vcs}/{organization}/{project}/webhooks"
_ONE = _ALL + "/{webhook}"

PAGES: list[AnyPage] = [
    Page(method="GET", path=_ALL, need=Need.READ, handler=webhooks, subject=subjects.project),
    Page(
        method="POST",
        path=_ALL,
        need=Need.WRITE,
        handler=add,
        subject=subjects.project,
        deed="createWebhook",
    ),
    Page(method="GET", path=_ONE, need=Need.READ, handler=webhook, subject=subjects.webhook),
    Page(
        method="POST",
        path=_ONE,
        need=Need.WRITE,
        handler=change,
        subject=subjects.webhook,
        deed="updateWebhook",
    ),
    Page(
        method="POST",
        path=f"{_ONE}/ping",
        need=Need.WRITE,
        handler=ping,
        subject=subjects.webhook,
        deed="pingWebhook",
    ),
    Page(
        method="POST",
        path=f"{_ONE}/redeliver",
        need=Need.WRITE,
        handler=tell_again,
        subject=subjects.webhook,
        deed="redeliverWebhook",
    ),
    Page(
        method="POST",
        path=f"{_ONE}/delete",
        need=Need.WRITE,
        handler=remove,
        subject=subjects.webhook,
        deed="deleteWebhook",
    ),
]
