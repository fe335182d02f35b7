"""What starts the pipelines of a definition: events of repositories, and addresses to call."""

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.definitions import PROVIDER_OF, SourceProvider
from roundel.domain.errors import Invalid
from roundel.domain.presets import EventPreset
from roundel.services.definitions import ChangeTrigger, CreateTrigger, SourceWanted
from roundel.web import subjects
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.pages.project_definitions import (
    OF_TRIGGER,
    definition,
    definition_path,
    show_definition,
)
from roundel.web.refusals import refused_on
from roundel.web.settings_pages import done
from roundel.web.subjects import DefinitionHere, TriggerHere


@refused_on(definition, OF_TRIGGER)
async def listen(visit: Visit[DefinitionHere]) -> Response:
    """Let events of a repository start pipelines."""
    here = visit.subject
    source = SourceWanted(
        provider=PROVIDER_OF[here.project.slug.vcs],
        external_id=visit.field("repo") or here.project.id,
    )
    await visit.hall.use_cases.definitions.create_trigger(
        CreateTrigger(
            project=here.project,
            definition=here.definition.id,
            source=source,
            preset=_preset(visit.field("preset")),
            checkout_ref=visit.field("checkout_ref").strip(),
            config_ref=visit.field("config_ref").strip(),
            event_name=visit.field("event_name").strip(),
        )
    )
    return done(definition_path(here), "added")


def _preset(text: str) -> EventPreset:
    if text not in list(EventPreset):
        raise Invalid(f"Events: expected one of {', '.join(EventPreset)}, got {text[:40]!r}")
    return EventPreset(text)


@refused_on(definition, OF_TRIGGER)
async def make_address(visit: Visit[DefinitionHere]) -> Response:
    """Make an address whose calls start pipelines; its secret is shown this once."""
    here = visit.subject
    made = await visit.hall.use_cases.definitions.create_trigger(
        CreateTrigger(
            project=here.project,
            definition=here.definition.id,
            source=SourceWanted(provider=SourceProvider.WEBHOOK),
            checkout_ref=visit.field("checkout_ref").strip(),
            config_ref=visit.field("config_ref").strip(),
            event_name=visit.field("event_name").strip(),
            sender=visit.field("sender").strip(),
        )
    )
    address = f"{visit.origin}/api/roundel/trigger/{made.trigger.id}?secret={made.secret}"
    return await show_definition(visit, webhook=address)


@refused_on(definition, OF_TRIGGER)
async def change(visit: Visit[TriggerHere]) -> Response:
    here = visit.subject
    by_address = here.trigger.provider is SourceProvider.WEBHOOK
    await visit.hall.use_cases.definitions.change_trigger(
        ChangeTrigger(
            trigger=here.trigger.id,
            preset=None if by_address else _preset(visit.field("preset")),
            checkout_ref=visit.field("checkout_ref").strip(),
            config_ref=visit.field("config_ref").strip(),
            event_name=visit.field("event_name").strip(),
            sender=visit.field("sender").strip() if by_address else None,
            disabled=visit.field("enabled") != "1",
        )
    )
    return done(definition_path(here), "saved")


@refused_on(definition)
async def remove(visit: Visit[TriggerHere]) -> Response:
    await visit.hall.use_cases.definitions.remove_trigger(visit.subject.trigger.id)
    return done(definition_path(visit.subject), "removed")


_ROOT = "/settings/project/{vcs}/{organization}/{project}/definitions/{definition}"
_ONE = _ROOT + "/triggers/{trigger}"

PAGES: list[AnyPage] = [
    Page(
        method="POST",
        path=f"{_ROOT}/triggers",
        need=Need.WRITE,
        handler=listen,
        subject=subjects.definition,
        deed="createTrigger",
    ),
    Page(
        method="POST",
        path=f"{_ROOT}/addresses",
        need=Need.WRITE,
        handler=make_address,
        subject=subjects.definition,
        deed="createTrigger",
    ),
    Page(
        method="POST",
        path=_ONE,
        need=Need.WRITE,
        handler=change,
        subject=subjects.trigger,
        deed="updateTrigger",
    ),
    Page(
        method="POST",
        path=f"{_ONE}/delete",
        need=Need.WRITE,
        handler=remove,
        subject=subjects.trigger,
        deed="deleteTrigger",
    ),
]
