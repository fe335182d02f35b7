"""Triggers of pipeline definitions, and the addresses of those that are webhooks."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from roundel.api.operations import OWN, AnyOperation, Call, Found, Operation, RawMessage, Subject
from roundel.api.readers import ApiApp
from roundel.api.schemas.common import Message
from roundel.api.schemas.definitions import (
    Called,
    TriggerBody,
    TriggerChange,
    Triggers,
    TriggerShown,
    trigger_shown,
)
from roundel.api.subjects import whose
from roundel.api.v2.definitions import DEFINITION, NO_PROJECT, OfProject
from roundel.domain.access import Need
from roundel.domain.definitions import PipelineTrigger, PipelineTriggerId, SourceProvider
from roundel.domain.errors import NotFound
from roundel.domain.ids import ProjectId, is_uuid
from roundel.domain.pipelines import Pipeline
from roundel.domain.presets import EventPreset
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.services.definitions import NO_TRIGGER, ChangeTrigger, CreateTrigger, SourceWanted
from roundel.services.launching import LARGEST_WEBHOOK


@dataclass(frozen=True, slots=True)
class OfProjectTrigger:
    """A trigger and its project."""

    project: Project
    trigger: PipelineTrigger


async def _trigger(app: ApiApp, path: Mapping[str, str]) -> Found[OfProjectTrigger] | None:
    text, named = path["project_id"], path["trigger_id"]
    project = await app.reads.project_by_id(ProjectId(text.lower())) if is_uuid(text) else None
    if project is None:
        return None
    trigger = None
    if is_uuid(named):
        trigger = await app.definitions.trigger(PipelineTriggerId(named.lower()))
    if trigger is None or trigger.project_id != project.id:
        return Found(project.organization.id, None)
    return Found(project.organization.id, OfProjectTrigger(project, trigger))


TRIGGER = Subject(find=_trigger, missing=NO_TRIGGER, outside=NO_PROJECT)


async def of_definition(call: Call[OfProject, None]) -> Triggers:
    rows = await call.app.definitions.triggers(call.subject.definition.id)
    return Triggers([trigger_shown(it, call.subject.project, call.origin) for it in rows])


async def create(call: Call[OfProject, TriggerBody]) -> TriggerShown:
    body, project = call.body, call.subject.project
    source = body.event_source
    made = await call.door.use_cases.definitions.create_trigger(
        CreateTrigger(
            project=project,
            definition=call.subject.definition.id,
            source=SourceWanted(
                provider=SourceProvider(source.provider),
                external_id=None if source.repo is None else source.repo.external_id,
            ),
            preset=None if body.event_preset is None else EventPreset(body.event_preset),
            checkout_ref=body.checkout_ref,
            config_ref=body.config_ref,
            event_name=body.event_name,
            sender="" if source.webhook is None else source.webhook.sender,
            disabled=body.disabled,
        )
    )
    return trigger_shown(made.trigger, project, call.origin, made.secret)


async def show(call: Call[OfProjectTrigger, None]) -> TriggerShown:
    return trigger_shown(call.subject.trigger, call.subject.project, call.origin)


async def change(call: Call[OfProjectTrigger, TriggerChange]) -> TriggerShown:
    body = call.body
    webhook = None if body.event_source is None else body.event_source.webhook
    after = await call.door.use_cases.definitions.change_trigger(
        ChangeTrigger(
            trigger=call.subject.trigger.id,
            preset=None if body.event_preset is None else EventPreset(body.event_preset),
            checkout_ref=body.checkout_ref,
            config_ref=body.config_ref,
            event_name=body.event_name,
            disabled=body.disabled,
            sender=None if webhook is None else webhook.sender,
        )
    )
    return trigger_shown(after, call.subject.project, call.origin)


async def remove(call: Call[OfProjectTrigger, None]) -> Message:
    await call.door.use_cases.definitions.remove_trigger(call.subject.trigger.id)
    return Message("Trigger deleted.")


async def call_webhook(call: Call[None, RawMessage]) -> Response:
    """Its right is the secret in its address."""
    text = call.path["trigger-id"]
    if not is_uuid(text):
        raise NotFound(NO_TRIGGER)
    outcome = await call.door.use_cases.definitions.call_webhook(
        PipelineTriggerId(text.lower()), call.query.get("secret", ""), call.body.body
    )
    if isinstance(outcome, Pipeline):
        call.tell(await whose(call.app, outcome.project_id), outcome.id)
        shown = Called("Accepted.", outcome.id, outcome.number)
        return Response(msgspec.json.encode(shown), 202, media_type="application/json")
    return Response(msgspec.json.encode(Called(outcome)), 200, media_type="application/json")


LIST = "/projects/{project_id}/pipeline-definitions/{pipeline_definition_id}/triggers"
ONE = "/projects/{project_id}/triggers/{trigger_id}"

OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path=LIST,
        id="listPipelineDefinitionTriggers",
        summary="List triggers",
        tag="Trigger",
        need=Need.READ,
        subject=DEFINITION,
        handler=of_definition,
        answer=Triggers,
    ),
    Operation(
        method="POST",
        path=LIST,
        id="createTrigger",
        summary="Create trigger",
        tag="Trigger",
        need=Need.WRITE,
        subject=DEFINITION,
        handler=create,
        body=TriggerBody,
        answer=TriggerShown,
    ),
    Operation(
        method="GET",
        path=ONE,
        id="getTrigger",
        summary="Get trigger",
        tag="Trigger",
        need=Need.READ,
        subject=TRIGGER,
        handler=show,
        answer=TriggerShown,
    ),
    Operation(
        method="PATCH",
        path=ONE,
        id="updateTrigger",
        summary="Update trigger",
        tag="Trigger",
        need=Need.WRITE,
        subject=TRIGGER,
        handler=change,
        body=TriggerChange,
        answer=TriggerShown,
    ),
    Operation(
        method="DELETE",
        path=ONE,
        id="deleteTrigger",
        summary="Delete trigger",
        tag="Trigger",
        need=Need.WRITE,
        subject=TRIGGER,
        handler=remove,
        answer=Message,
    ),
    Operation(
        method="POST",
        path="/trigger/{trigger-id}",
        id="callWebhook",
        summary="Start the pipeline of a webhook trigger, whose secret is in the address",
        tag="Roundel",
        need=Need.NOTHING,
        handler=call_webhook,
        prefix=OWN,
        raw=True,
        largest_body=LARGEST_WEBHOOK,
        status=202,
        extension=True,
    ),
]
