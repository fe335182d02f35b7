"""Outgoing webhooks of projects."""

from collections.abc import Mapping

from roundel.api.operations import PAGE_TOKEN, AnyOperation, Call, Found, Operation, Query, Subject
from roundel.api.readers import ApiApp
from roundel.api.schemas.common import Message, Page
from roundel.api.schemas.webhooks import (
    MASKED,
    WebhookBody,
    WebhookPatch,
    WebhookShown,
    given,
    kinds_of,
    webhook_shown,
)
from roundel.api.subjects import NO_PROJECT
from roundel.domain.access import Need
from roundel.domain.errors import Invalid, NotAllowed, NotFound
from roundel.domain.ids import ProjectId, is_uuid
from roundel.domain.projects import Project
from roundel.domain.webhooks import WebhookChange, WebhookId, WebhookView


async def _webhook(app: ApiApp, path: Mapping[str, str]) -> Found[WebhookView] | None:
    text = path["webhook-id"]
    if not is_uuid(text):
        return None
    view = await app.webhooks.webhook(WebhookId(text.lower()))
    return None if view is None else Found(view.organization_id, view)


NO_WEBHOOK = "Webhook not found"
WEBHOOK = Subject(find=_webhook, missing=NO_WEBHOOK, outside=NO_WEBHOOK)


async def add(call: Call[None, WebhookBody]) -> WebhookShown:
    body = call.body
    project = await _project(call, body.scope.id, Need.WRITE)
    made = await call.door.use_cases.webhooks.add_webhook(
        project,
        WebhookChange(
            name=body.name,
            url=body.url,
            verify_tls=body.verify_tls,
            events=kinds_of(body.events),
            secret=body.signing_secret,
        ),
    )
    call.tell(project.organization.id, made.id)
    return webhook_shown(made)


async def of_project(call: Call[None, None]) -> Page[WebhookShown]:
    if call.query.get("scope-type") != "project":
        raise Invalid("scope-type: expected project, which is all that webhooks are of")
    project = await _project(call, call.query.get("scope-id", ""), Need.READ)
    found = await call.app.webhooks.webhooks(project.id)
    return Page([webhook_shown(hook) for hook in found], None)


async def _project(
    call: Call[None, WebhookBody] | Call[None, None], id_: str, need: Need
) -> Project:
    """Return the project that a request names outside its path, for those with the right."""
    if not is_uuid(id_):
        raise Invalid(f"scope id: expected the id of a project, got {id_[:40]!r}")
    project = await call.app.reads.project_by_id(ProjectId(id_.lower()))
    if project is None or not call.actor.may(Need.READ, project.organization.id):
        raise NotFound(NO_PROJECT)
    if not call.actor.may(need, project.organization.id):
        raise NotAllowed("Permission denied.")
    return project


async def show(call: Call[WebhookView, None]) -> WebhookShown:
    return webhook_shown(call.subject.webhook)


async def change(call: Call[WebhookView, WebhookPatch]) -> WebhookShown:
    body = call.body
    secret = given(body.signing_secret)
    after = await call.door.use_cases.webhooks.change_webhook(
        call.subject,
        WebhookChange(
            name=given(body.name),
            url=given(body.url),
            verify_tls=given(body.verify_tls),
            events=kinds_of(body.events),
            secret=None if secret == MASKED else secret,  # what a read showed, sent back
        ),
    )
    return webhook_shown(after)


async def remove(call: Call[WebhookView, None]) -> Message:
    await call.door.use_cases.webhooks.remove_webhook(call.subject.webhook.id)
    return Message("Webhook deleted.")


_ONE = "/webhook/{webhook-id}"

OPERATIONS: list[AnyOperation] = [
    Operation(
        method="POST",
        path="/webhook",
        id="createWebhook",
        summary="Create an outbound webhook",
        tag="Webhook",
        need=Need.SIGNED_IN,
        handler=add,
        body=WebhookBody,
        answer=WebhookShown,
        status=201,
    ),
    Operation(
        method="GET",
        path="/webhook",
        id="getWebhooks",
        summary="List webhooks",
        tag="Webhook",
        need=Need.SIGNED_IN,
        handler=of_project,
        answer=Page[WebhookShown],
        query=(
            Query(name="scope-id", summary="The project's id."),
            Query(name="scope-type", summary="What the webhooks are of: project."),
            PAGE_TOKEN,
        ),
    ),
    Operation(
        method="GET",
        path=_ONE,
        id="getWebhookById",
        summary="Get a webhook",
        tag="Webhook",
        need=Need.READ,
        subject=WEBHOOK,
        handler=show,
        answer=WebhookShown,
    ),
    Operation(
        method="PUT",
        path=_ONE,
        id="updateWebhook",
        summary="Update an outbound webhook",
        tag="Webhook",
        need=Need.WRITE,
        subject=WEBHOOK,
        handler=change,
        body=WebhookPatch,
        answer=WebhookShown,
    ),
    Operation(
        method="DELETE",
        path=_ONE,
        id="deleteWebhook",
        summary="Delete an outbound webhook",
        tag="Webhook",
        need=Need.WRITE,
        subject=WEBHOOK,
        handler=remove,
        answer=Message,
    ),
]
