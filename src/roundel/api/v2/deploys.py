"""Environments, components and the versions that jobs have put there."""

from collections.abc import Mapping

from roundel.api.binding import whole_number
from roundel.api.operations import PAGE_TOKEN, AnyOperation, Call, Found, Operation, Query, Subject
from roundel.api.paging import PAGE_SIZE, page, read_token, token
from roundel.api.readers import ApiApp
from roundel.api.schemas.common import Page
from roundel.api.schemas.deploys import (
    ComponentShown,
    EnvironmentShown,
    ReleaseShown,
    VersionShown,
    component_shown,
    environment_shown,
    release_shown,
    versions_shown,
)
from roundel.api.subjects import PIPELINE
from roundel.domain.access import Need
from roundel.domain.deploys import Component, ComponentId, Environment, EnvironmentId
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.ids import OrganizationId, ProjectId, is_uuid
from roundel.domain.views import PipelineView

MOST_SHOWN = 100
ORG_ID = Query(name="org-id", summary="The organization's id; required.")
PROJECT_ID = Query(name="project-id", summary="Only components of this project.")
ENVIRONMENT_ID = Query(name="environment-id", summary="Only versions in this environment.")
SIZE = Query(name="page-size", summary="How many to show, at most 100; 20 if not given.", type=int)


async def _environment(app: ApiApp, path: Mapping[str, str]) -> Found[Environment] | None:
    text = path["environment_id"].lower()
    found = await app.deploys.environment(EnvironmentId(text)) if is_uuid(text) else None
    return None if found is None else Found(found.organization_id, found)


async def _component(app: ApiApp, path: Mapping[str, str]) -> Found[Component] | None:
    text = path["component_id"].lower()
    found = await app.deploys.component(ComponentId(text)) if is_uuid(text) else None
    return None if found is None else Found(found.organization_id, found)


NO_ENVIRONMENT, NO_COMPONENT = "Environment not found", "Component not found"
ENVIRONMENT = Subject(find=_environment, missing=NO_ENVIRONMENT, outside=NO_ENVIRONMENT)
COMPONENT = Subject(find=_component, missing=NO_COMPONENT, outside=NO_COMPONENT)


async def environments(call: Call[None, None]) -> Page[EnvironmentShown]:
    organization = _organization(call)
    size = whole_number(call.query, "page-size", PAGE_SIZE, MOST_SHOWN) or PAGE_SIZE
    after = read_token("environments", call.query.get("page-token"))
    rows = await call.app.deploys.environments(organization, after=after, limit=size + 1)
    shown, last = page(rows, size)
    following = None if last is None else token("environments", last.created_at, last.id)
    return Page([environment_shown(it) for it in shown], following)


async def releases(call: Call[PipelineView, None]) -> Page[ReleaseShown]:
    found = await call.app.deploys.planned(call.subject.pipeline.id)
    return Page([release_shown(it) for it in found], None)


async def environment(call: Call[Environment, None]) -> EnvironmentShown:
    return environment_shown(call.subject)


async def components(call: Call[None, None]) -> Page[ComponentShown]:
    organization = _organization(call)
    text = _id(call.query, "project-id")
    project = None if text is None else ProjectId(text)
    size = whole_number(call.query, "page-size", PAGE_SIZE, MOST_SHOWN) or PAGE_SIZE
    after = read_token("components", call.query.get("page-token"))
    rows = await call.app.deploys.components(organization, project, after=after, limit=size + 1)
    shown, last = page(rows, size)
    following = None if last is None else token("components", last.created_at, last.id)
    return Page([component_shown(it) for it in shown], following)


async def component(call: Call[Component, None]) -> ComponentShown:
    return component_shown(call.subject)


async def versions(call: Call[Component, None]) -> Page[VersionShown]:
    text = _id(call.query, "environment-id")
    where = None if text is None else EnvironmentId(text)
    found = await call.app.deploys.versions(call.subject.id, where)
    return Page(versions_shown(found), None)


def _organization(call: Call[None, None]) -> OrganizationId:
    """Return the organisation that the query names, for those who may read there."""
    text = _id(call.query, "org-id")
    if text is None:
        raise Invalid("org-id: the id of an organization is required")
    if not call.actor.may(Need.READ, OrganizationId(text)):
        raise NotFound("Organization not found")
    return OrganizationId(text)


def _id(query: Mapping[str, str], name: str) -> str | None:
    text = query.get(name, "")
    if text and not is_uuid(text):
        raise Invalid(f"{name}: expected an id, got {text[:40]!r}")
    return text.lower() or None


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/pipeline/{pipeline-id}/releases",
        id="listReleasesOfPipeline",
        summary="The releases that jobs of a pipeline have planned, and how they go",
        tag="Roundel",
        need=Need.READ,
        subject=PIPELINE,
        handler=releases,
        answer=Page[ReleaseShown],
        extension=True,
    ),
    Operation(
        method="GET",
        path="/deploy/environments",
        id="listEnvironments",
        summary="List environments",
        tag="Deploy",
        need=Need.SIGNED_IN,
        handler=environments,
        answer=Page[EnvironmentShown],
        query=(ORG_ID, SIZE, PAGE_TOKEN),
    ),
    Operation(
        method="GET",
        path="/deploy/environments/{environment_id}",
        id="getEnvironment",
        summary="Get environment",
        tag="Deploy",
        need=Need.READ,
        subject=ENVIRONMENT,
        handler=environment,
        answer=EnvironmentShown,
    ),
    Operation(
        method="GET",
        path="/deploy/components",
        id="listComponents",
        summary="List components",
        tag="Deploy",
        need=Need.SIGNED_IN,
        handler=components,
        answer=Page[ComponentShown],
        query=(ORG_ID, SIZE, PAGE_TOKEN, PROJECT_ID),
    ),
    Operation(
        method="GET",
        path="/deploy/components/{component_id}",
        id="getComponent",
        summary="Get component",
        tag="Deploy",
        need=Need.READ,
        subject=COMPONENT,
        handler=component,
        answer=ComponentShown,
    ),
    Operation(
        method="GET",
        path="/deploy/components/{component_id}/versions",
        id="listComponentVersions",
        summary="List component versions",
        tag="Deploy",
        need=Need.READ,
        subject=COMPONENT,
        handler=versions,
        answer=Page[VersionShown],
        query=(ENVIRONMENT_ID,),
    ),
]
