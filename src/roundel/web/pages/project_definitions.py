"""Pipeline definitions of a project: which config runs on which checkout."""

from typing import Any

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.definitions import CONFIG_FILE, PROVIDER_OF, SourceProvider
from roundel.domain.presets import EventPreset
from roundel.domain.projects import Project
from roundel.services.definitions import ChangeDefinition, CreateDefinition, SourceWanted
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.forms import Fields
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.refusals import refused_on
from roundel.web.settings_pages import done, show_project
from roundel.web.subjects import DefinitionHere

PRESETS = {
    EventPreset.ALL_PUSHES: "All pushes",
    EventPreset.DEFAULT_BRANCH: "Pushes to the default branch",
    EventPreset.ONLY_TAGS: "Tags",
    EventPreset.BUILD_PRS: "Pull requests, tags and the default branch",
    EventPreset.NON_DRAFT_PRS: "The same without drafts",
    EventPreset.OPEN_PRS: "Pull requests when opened",
    EventPreset.LABELED_PRS: "Pull requests labelled run-ci",
    EventPreset.READY_PRS: "Pull requests when ready for review",
    EventPreset.MERGED_PRS: "Pull requests when merged",
    EventPreset.MERGED_OR_CLOSED_PRS: "Pull requests when merged or closed",
    EventPreset.BRANCH_DELETE: "Branches when deleted",
}


# What refusals begin with; the field that is meant, and how the form calls it.
_FIELDS: Fields = {
    "name:": ("name", "Name:"),
    "description:": ("description", "Description:"),
    "config_source.file_path:": ("file_path", "Config file:"),
    "config_source.repo.external_id:": ("config_repo", "Repository:"),
    "checkout_source.repo.external_id:": ("checkout_repo", "Check out:"),
}
OF_TRIGGER: Fields = {
    "Events:": ("preset", ""),
    "event_preset:": ("preset", "Events:"),
    "event_source.repo.external_id:": ("repo", "Repository:"),
    "checkout_ref:": ("checkout_ref", "Check out:"),
    "config_ref:": ("config_ref", "Take the config of:"),
    "event_name:": ("event_name", "Name:"),
    "sender:": ("sender", "Sender:"),
}


async def definitions(visit: Visit[Project], *, problem: str = "", status: int = 200) -> Response:
    project = visit.subject
    return await show_project(
        visit,
        project,
        "project_definitions.html",
        problem=problem,
        status=status,
        definitions=await visit.app.definitions.definitions(project.id),
        repositories=await _repositories(visit, project),
        config_file=CONFIG_FILE,
    )


async def _repositories(visit: Visit[Any], project: Project) -> list[Project]:
    """Return the organization's projects: what a definition may check out or listen to."""
    found = await visit.app.reads.projects(visit.actor)
    return [it for it in found if it.organization.id == project.organization.id]


@refused_on(definitions, _FIELDS)
async def create(visit: Visit[Project]) -> Response:
    project, config = visit.subject, visit.field("config_repo")
    own = PROVIDER_OF[project.slug.vcs]
    command = CreateDefinition(
        project=project,
        name=visit.field("name").strip(),
        description=visit.field("description").strip(),
        config=SourceWanted(
            provider=own if config else SourceProvider.CIRCLECI, external_id=config or None
        ),
        file_path=visit.field("file_path").strip(),
        checkout=SourceWanted(provider=own, external_id=visit.field("checkout_repo") or project.id),
    )
    made = await visit.hall.use_cases.definitions.create(command)
    return done(f"{address_of.project_settings(project)}/definitions/{made.id}", "added")


async def definition(visit: Visit[Any], *, problem: str = "", status: int = 200) -> Response:
    return await show_definition(visit, problem=problem, status=status)


async def show_definition(
    visit: Visit[Any], *, problem: str = "", status: int = 200, webhook: str = ""
) -> Response:
    """Render the page of a definition, with the address of a webhook that was just made."""
    here = visit.subject
    return await show_project(
        visit,
        here.project,
        "project_definition.html",
        problem=problem,
        status=status,
        definition=here.definition,
        triggers=await visit.app.definitions.triggers(here.definition.id),
        repositories=await _repositories(visit, here.project),
        presets=PRESETS,
        webhook=webhook,
    )


@refused_on(definition, _FIELDS)
async def change(visit: Visit[DefinitionHere]) -> Response:
    here, checkout = visit.subject, visit.field("checkout_repo")
    kept = here.definition.checkout.provider or PROVIDER_OF[here.project.slug.vcs]
    command = ChangeDefinition(
        definition=here.definition,
        name=visit.field("name").strip(),
        description=visit.field("description").strip(),
        file_path=visit.field("file_path").strip(),
        checkout=SourceWanted(provider=kept, external_id=checkout) if checkout else None,
    )
    await visit.hall.use_cases.definitions.change(command, here.project)
    return done(definition_path(here), "saved")


@refused_on(definition)
async def remove(visit: Visit[DefinitionHere]) -> Response:
    await visit.hall.use_cases.definitions.remove(visit.subject.definition)
    return done(f"{address_of.project_settings(visit.subject.project)}/definitions", "removed")


def definition_path(here: Any) -> str:
    """Return the path of the page of what is here: a definition, or a trigger of it."""
    return f"{address_of.project_settings(here.project)}/definitions/{here.definition.id}"


_ALL = "/settings/project/{vcs}/{organization}/{project}/definitions"
_ONE = _ALL + "/{definition}"

PAGES: list[AnyPage] = [
    Page(method="GET", path=_ALL, need=Need.READ, handler=definitions, subject=subjects.project),
    Page(
        method="POST",
        path=_ALL,
        need=Need.WRITE,
        handler=create,
        subject=subjects.project,
        deed="createPipelineDefinition",
    ),
    Page(method="GET", path=_ONE, need=Need.READ, handler=definition, subject=subjects.definition),
    Page(
        method="POST",
        path=_ONE,
        need=Need.WRITE,
        handler=change,
        subject=subjects.definition,
        deed="updatePipelineDefinition",
    ),
    Page(
        method="POST",
        path=f"{_ONE}/delete",
        need=Need.WRITE,
        handler=remove,
        subject=subjects.definition,
        deed="deletePipelineDefinition",
    ),
]
