"""Running a pipeline definition: on request, or because a webhook's address was called."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import field, replace

from roundel.domain.access import Actor
from roundel.domain.definitions import (
    CONFIG_FILE,
    Definition,
    DefinitionId,
    PipelineTrigger,
    PipelineTriggerId,
    ref_of,
)
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.ids import PersonId
from roundel.domain.pipelines import ConfigPlace, Launch, Ref, TriggerType
from roundel.domain.plan import Json
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.services.definitions import NO_DEFINITION, NO_TRIGGER, digest_of_secret
from roundel.services.pipelines import Triggered, TriggerPipeline, trigger_pipeline
from roundel.services.work import App

LARGEST_WEBHOOK = 1024 * 1024  # bytes of a body, which every job of the pipeline may be given
NOTHING = Ref()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDefinition:
    """Run a definition; without an id the project's own.  Refs left out are filled in.

    A `config_text` takes the place of the config that lies in the repository.
    """

    project: Project
    by: Actor
    definition: DefinitionId | None = None
    config_ref: Ref = NOTHING
    checkout_ref: Ref = NOTHING
    config_text: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    values: Mapping[str, Json] = field(default_factory=dict)


async def run_definition(command: RunDefinition, app: App) -> Triggered | None:
    """Accept a pipeline of a definition; None if its commit asks for none."""
    project = command.project
    definition = await app.definitions.definition(command.definition or DefinitionId(project.id))
    if definition is None or definition.project_id != project.id:
        raise NotFound(NO_DEFINITION)
    ref, launch = launch_of(
        definition,
        config_ref=command.config_ref,
        checkout_ref=command.checkout_ref,
        values=command.values,
    )
    text = command.config_text
    if text:
        given = await app.database.write(lambda tx: tx.documents.put(text))
        launch = replace(launch, config=None, config_document=given)
    return await trigger_pipeline(
        TriggerPipeline(
            project=project, by=command.by, ref=ref, parameters=command.parameters, launch=launch
        ),
        app,
    )


def launch_of(
    definition: Definition,
    *,
    config_ref: Ref = NOTHING,
    checkout_ref: Ref = NOTHING,
    trigger: PipelineTrigger | None = None,
    values: Mapping[str, Json] | None = None,
) -> tuple[Ref, Launch]:
    """Return the ref to check out, which may be empty, and what a pipeline keeps of its start.

    Of one repository's two refs one is enough.  Where both name the same, the config is that of
    the commit; a config in another repository is read from its default branch unless told.
    """
    same = definition.config_project == definition.checkout_project
    if same and checkout_ref == NOTHING:
        checkout_ref = config_ref
    elsewhere = not same or config_ref not in (NOTHING, checkout_ref)
    file = definition.config.file_path
    checkout = definition.checkout_project
    return checkout_ref, Launch(
        definition_id=definition.id,
        definition_name=definition.name,
        trigger_id=None if trigger is None else trigger.id,
        trigger_name="" if trigger is None else trigger.event_name,
        config_file=None if file == CONFIG_FILE else file,
        config=ConfigPlace(project_id=definition.config_project, ref=config_ref)
        if elsewhere
        else None,
        checkout_project=None if checkout == definition.project_id else checkout,
        values=values or {},
    )


async def call_webhook(
    trigger_id: PipelineTriggerId, unverified_secret: str, raw_body: bytes, app: App
) -> Triggered | str:
    """Start the pipeline of a webhook's trigger, or say why it starts none.

    Who does not know the secret learns nothing, not even whether there is such a trigger.
    """
    trigger = await app.definitions.trigger(trigger_id)
    expected = None if trigger is None else trigger.secret_digest
    given = digest_of_secret(unverified_secret)
    if trigger is None or expected is None or not hmac.compare_digest(given, expected):
        raise NotFound(NO_TRIGGER)
    if len(raw_body) > LARGEST_WEBHOOK:
        raise Invalid(f"The body is larger than {LARGEST_WEBHOOK} bytes.")
    definition = await app.definitions.definition(trigger.definition_id)
    project = await app.reads.project_by_id(trigger.project_id)
    if definition is None or project is None:
        raise NotFound(NO_TRIGGER)
    if trigger.disabled:
        return "The trigger is disabled."
    ref, launch = launch_of(
        definition,
        config_ref=ref_of(trigger.config_ref),
        checkout_ref=ref_of(trigger.checkout_ref),
        trigger=trigger,
        values={
            "pipeline.event.name": "custom_webhook",
            "pipeline.event.action": "custom_webhook",
            "pipeline.trigger_parameters.webhook.body": _body_text(raw_body),
            "pipeline.trigger_parameters.circleci.trigger_type": "webhook",
            "pipeline.trigger_parameters.circleci.event_type": "custom_webhook",
        },
    )
    sender = trigger.sender or trigger.event_name or "webhook"
    triggered = await trigger_pipeline(
        TriggerPipeline(
            project=project,
            by=Actor(id=PersonId(""), login=sender, name=sender),
            ref=ref,
            type=TriggerType.WEBHOOK,
            launch=launch,
        ),
        app,
    )
    return "The commit asks for no pipeline." if triggered is None else triggered


def _body_text(raw_body: bytes) -> str:
    """Return a body as the text that a config is given: JSON in its shortest form, or as it is."""
    text = raw_body.decode("utf-8", "replace").replace("\0", "")
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return text
