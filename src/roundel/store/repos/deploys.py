"""Deploy markers: environments, components and the versions that were put there."""

from roundel.domain.clock import Micros
from roundel.domain.deploys import (
    MOST_PLANS,
    MOST_VERSIONS,
    Component,
    ComponentId,
    Environment,
    EnvironmentId,
    PlannedRelease,
    ReleaseStatus,
    Version,
)
from roundel.domain.errors import Invalid
from roundel.domain.ids import JobId, OrganizationId, PipelineId, ProjectId, WorkflowId
from roundel.store.dialect import Row, Sql
from roundel.store.rows import columns, values_of

ENVIRONMENT = "id, organization_id, name, created_at, updated_at"
COMPONENT = "id, organization_id, project_id, name, releases, created_at, updated_at"
VERSION = (
    "component_id, environment_id, namespace, name, pipeline_id, workflow_id, job_id, job_number,"
    " deployed_at"
)
PLANNED = (
    "pipeline_id, name, component, environment, version, namespace, status, reason,"
    " created_at, updated_at"
)


class SqlDeploys:
    """Implements `domain.deploys.Deploys`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def environment(self, wanted: Environment, most: int) -> Environment:
        """Return the organisation's environment of this name, adding it if there is none."""
        row = self._sql.one(
            f"SELECT {ENVIRONMENT} FROM deploy_environment"
            " WHERE organization_id = :organization AND name = :name",
            organization=wanted.organization_id,
            name=wanted.name,
        )
        if row is not None:
            return environment_of(row)
        count = self._sql.one(
            "SELECT count(*) FROM deploy_environment WHERE organization_id = :organization",
            organization=wanted.organization_id,
        )
        if count is not None and count[0] >= most:
            raise Invalid(f"an organization has at most {most} environments")
        self._sql.run(
            f"INSERT INTO deploy_environment ({ENVIRONMENT}) VALUES ({values_of(ENVIRONMENT)})",
            id=wanted.id,
            organization_id=wanted.organization_id,
            name=wanted.name,
            created_at=wanted.created_at,
            updated_at=wanted.updated_at,
        )
        return wanted

    def component(self, wanted: Component, most: int) -> Component:
        """Return the project's component of this name, adding it if there is none."""
        row = self._sql.one(
            f"SELECT {COMPONENT} FROM deploy_component WHERE project_id = :project"
            " AND name = :name",
            project=wanted.project_id,
            name=wanted.name,
        )
        if row is not None:
            return component_of(row)
        count = self._sql.one(
            "SELECT count(*) FROM deploy_component WHERE project_id = :project",
            project=wanted.project_id,
        )
        if count is not None and count[0] >= most:
            raise Invalid(f"a project has at most {most} components")
        self._sql.run(
            f"INSERT INTO deploy_component ({COMPONENT}) VALUES ({values_of(COMPONENT)})",
            id=wanted.id,
            organization_id=wanted.organization_id,
            project_id=wanted.project_id,
            name=wanted.name,
            releases=wanted.releases,
            created_at=wanted.created_at,
            updated_at=wanted.updated_at,
        )
        return wanted

    def deployed(
        self, project_id: ProjectId, component: str, environment: str, namespace: str
    ) -> list[Version]:
        """Return the newest MOST_VERSIONS versions by those names, the live one first."""
        rows = self._sql.all(
            f"SELECT {columns(VERSION, 'v')} FROM deploy_component c"
            " JOIN deploy_environment e"
            " ON e.organization_id = c.organization_id AND e.name = :environment"
            " JOIN deploy_version v ON v.component_id = c.id AND v.environment_id = e.id"
            " WHERE c.project_id = :project AND c.name = :component AND v.namespace = :namespace"
            " ORDER BY v.deployed_at DESC LIMIT :limit",
            project=project_id,
            component=component,
            environment=environment,
            namespace=namespace,
            limit=MOST_VERSIONS,
        )
        return [version_of(row) for row in rows]

    def planned(self, pipeline_id: PipelineId, name: str) -> PlannedRelease | None:
        """Return what was planned in a pipeline under a name."""
        row = self._sql.one(
            f"SELECT {PLANNED} FROM planned_release WHERE pipeline_id = :id AND name = :name",
            id=pipeline_id,
            name=name,
        )
        return None if row is None else planned_of(row)

    def plan(self, release: PlannedRelease) -> None:
        """Keep what is planned, in the place of what was under its name."""
        count = self._sql.one(
            "SELECT count(*) FROM planned_release WHERE pipeline_id = :id AND name <> :name",
            id=release.pipeline_id,
            name=release.name,
        )
        if count is not None and count[0] >= MOST_PLANS:
            raise Invalid(f"a pipeline plans at most {MOST_PLANS} releases")
        self._sql.run(
            f"INSERT INTO planned_release ({PLANNED}) VALUES ({values_of(PLANNED)})"
            " ON CONFLICT (pipeline_id, name) DO UPDATE SET component = excluded.component,"
            " environment = excluded.environment, version = excluded.version,"
            " namespace = excluded.namespace, status = excluded.status, reason = excluded.reason,"
            " created_at = excluded.created_at, updated_at = excluded.updated_at",
            pipeline_id=release.pipeline_id,
            name=release.name,
            component=release.component,
            environment=release.environment,
            version=release.version,
            namespace=release.namespace,
            status=release.status.value,
            reason=release.reason,
            created_at=release.created_at,
            updated_at=release.updated_at,
        )

    def mark(self, version: Version) -> None:
        """Keep a version, in the place of what is known of the same one; count it."""
        self._sql.run(
            f"INSERT INTO deploy_version ({VERSION}) VALUES ({values_of(VERSION)})"
            " ON CONFLICT (component_id, environment_id, namespace, name) DO UPDATE SET"
            " pipeline_id = excluded.pipeline_id, workflow_id = excluded.workflow_id,"
            " job_id = excluded.job_id, job_number = excluded.job_number,"
            " deployed_at = excluded.deployed_at",
            component_id=version.component_id,
            environment_id=version.environment_id,
            namespace=version.namespace,
            name=version.name,
            pipeline_id=version.pipeline_id,
            workflow_id=version.workflow_id,
            job_id=version.job_id,
            job_number=version.job_number,
            deployed_at=version.deployed_at,
        )
        self._sql.run(
            "UPDATE deploy_component SET releases = releases + 1, updated_at = :at WHERE id = :id",
            at=version.deployed_at,
            id=version.component_id,
        )
        self._sql.run(
            "UPDATE deploy_environment SET updated_at = :at WHERE id = :id",
            at=version.deployed_at,
            id=version.environment_id,
        )


def environment_of(row: Row) -> Environment:
    """Return the environment in a row of ENVIRONMENT."""
    return Environment(
        id=EnvironmentId(row[0]),
        organization_id=OrganizationId(row[1]),
        name=row[2],
        created_at=Micros(row[3]),
        updated_at=Micros(row[4]),
    )


def component_of(row: Row) -> Component:
    """Return the component in a row of COMPONENT."""
    return Component(
        id=ComponentId(row[0]),
        organization_id=OrganizationId(row[1]),
        project_id=ProjectId(row[2]),
        name=row[3],
        releases=row[4],
        created_at=Micros(row[5]),
        updated_at=Micros(row[6]),
    )


def version_of(row: Row) -> Version:
    """Return the version in a row of VERSION."""
    return Version(
        component_id=ComponentId(row[0]),
        environment_id=EnvironmentId(row[1]),
        namespace=row[2],
        name=row[3],
        pipeline_id=PipelineId(row[4]),
        workflow_id=WorkflowId(row[5]),
        job_id=JobId(row[6]),
        job_number=row[7],
        deployed_at=Micros(row[8]),
    )


def planned_of(row: Row) -> PlannedRelease:
    """Return the planned release in a row of PLANNED."""
    return PlannedRelease(
        pipeline_id=PipelineId(row[0]),
        name=row[1],
        component=row[2],
        environment=row[3],
        version=row[4],
        namespace=row[5],
        status=ReleaseStatus(row[6]),
        reason=row[7],
        created_at=Micros(row[8]),
        updated_at=Micros(row[9]),
    )
