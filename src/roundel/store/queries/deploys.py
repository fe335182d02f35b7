"""Deploy markers as the doors show them."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.deploys import (
    MOST_VERSIONS,
    Component,
    ComponentId,
    Environment,
    EnvironmentId,
    PlannedRelease,
    Version,
)
from roundel.domain.ids import OrganizationId, PipelineId, ProjectId
from roundel.store.database import Database
from roundel.store.dialect import Row
from roundel.store.repos.deploys import (
    COMPONENT,
    ENVIRONMENT,
    PLANNED,
    VERSION,
    component_of,
    environment_of,
    planned_of,
    version_of,
)

_PAGE = "(created_at, id) > (:at, :last) ORDER BY created_at, id LIMIT :limit"


class SqlDeployReads:
    """Implements `domain.deploys.DeployReads`."""

    def __init__(self, database: Database) -> None:
        self._glance = database.glance

    async def environment(self, environment_id: EnvironmentId) -> Environment | None:
        """Return the environment."""
        text = f"SELECT {ENVIRONMENT} FROM deploy_environment WHERE id = :id"
        row = await self._one(text, environment_id)
        return None if row is None else environment_of(row)

    async def environments(
        self, organization: OrganizationId, *, after: tuple[Micros, str] | None, limit: int
    ) -> Sequence[Environment]:
        """Return an organisation's environments in the order of their making."""
        at, last = after if after is not None else (-1, "")
        text = (
            f"SELECT {ENVIRONMENT} FROM deploy_environment WHERE organization_id = :id AND {_PAGE}"
        )
        rows = await self._glance(
            lambda sql: sql.all(text, id=organization, at=at, last=last, limit=limit)
        )
        return [environment_of(row) for row in rows]

    async def component(self, component_id: ComponentId) -> Component | None:
        """Return the component."""
        text = f"SELECT {COMPONENT} FROM deploy_component WHERE id = :id"
        row = await self._one(text, component_id)
        return None if row is None else component_of(row)

    async def components(
        self,
        organization: OrganizationId,
        project: ProjectId | None,
        *,
        after: tuple[Micros, str] | None,
        limit: int,
    ) -> Sequence[Component]:
        """Return an organisation's components, or those of one project of it."""
        at, last = after if after is not None else (-1, "")
        values = {"id": organization, "at": at, "last": last, "limit": limit}
        of_project = ""
        if project is not None:
            of_project = " AND project_id = :project"
            values["project"] = project
        text = (
            f"SELECT {COMPONENT} FROM deploy_component"
            f" WHERE organization_id = :id{of_project} AND {_PAGE}"
        )
        rows = await self._glance(lambda sql: sql.all(text, **values))
        return [component_of(row) for row in rows]

    async def planned(self, pipeline_id: PipelineId) -> Sequence[PlannedRelease]:
        """Return what was planned in a pipeline, in the order of planning."""
        text = (
            f"SELECT {PLANNED} FROM planned_release WHERE pipeline_id = :id"
            " ORDER BY created_at, name"
        )
        return [
            planned_of(row) for row in await self._glance(lambda sql: sql.all(text, id=pipeline_id))
        ]

    async def versions(
        self, component: ComponentId, environment: EnvironmentId | None
    ) -> Sequence[Version]:
        """Return the versions of a component that were deployed last, newest first."""
        values = {"id": component, "limit": MOST_VERSIONS}
        there = ""
        if environment is not None:
            there = " AND environment_id = :environment"
            values["environment"] = environment
        text = (
            f"SELECT {VERSION} FROM deploy_version WHERE component_id = :id{there}"
            " ORDER BY deployed_at DESC LIMIT :limit"
        )
        rows = await self._glance(lambda sql: sql.all(text, **values))
        return [version_of(row) for row in rows]

    async def _one(self, text: str, id_: str) -> Row | None:
        return await self._glance(lambda sql: sql.one(text, id=id_))
