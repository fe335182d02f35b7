"""The read port of the doors, on the reader connections."""

from collections.abc import Sequence

from roundel.domain.access import Actor
from roundel.domain.clock import Clock, Micros
from roundel.domain.ids import (
    ExecutionId,
    JobId,
    OrganizationId,
    PersonId,
    PipelineId,
    ProjectId,
    ScheduleId,
    WorkflowId,
)
from roundel.domain.jobs import Execution
from roundel.domain.orbs import OrbLock, UrlOrbPrefix
from roundel.domain.projects import Organization, Project, Slug, Vcs
from roundel.domain.resource_classes import ResourceClass
from roundel.domain.schedules import Schedule
from roundel.domain.settings import OrganizationSettings, ProjectSettings
from roundel.domain.views import (
    ArtifactView,
    JobView,
    PipelineConfig,
    PipelineView,
    ScheduleView,
    SlotView,
    TestView,
    WorkflowView,
)
from roundel.domain.waiting import Load, Waiting
from roundel.store.context_reads import SqlContextReads
from roundel.store.database import Database
from roundel.store.queries import jobs, kept, people, pipelines, schedules, waiting, workflows
from roundel.store.repos import orbs
from roundel.store.repos.executions import SqlExecutions
from roundel.store.repos.projects import SqlProjects
from roundel.store.repos.resource_classes import SqlResourceClasses
from roundel.store.repos.settings import SqlSettings


class SqlReads:
    """Implements `domain.views.Reads`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._read = database.read
        self._glance = database.glance
        self._clock = clock
        self.state = database.state
        self._pipeline_lists = pipelines.PipelineLists()
        self.secrets = SqlContextReads(database)

    async def actor(self, token_digest: bytes) -> Actor | None:
        """Return whose token this is, unless expired or revoked."""
        now = self._clock.now()
        return await self._glance(lambda sql: people.actor_by_token(sql, token_digest, now))

    async def runner_class(self, token_digest: bytes) -> ResourceClass | None:
        """Return the class of runners that this token speaks for."""
        return await self._glance(lambda sql: SqlResourceClasses(sql).by_digest(token_digest))

    async def load(self) -> Load:
        """Return how much work there is on the whole server."""
        return await self._read(waiting.load)

    async def execution(self, execution_id: ExecutionId) -> Execution | None:
        """Return the execution."""
        return await self._glance(lambda sql: SqlExecutions(sql).get(execution_id))

    async def person(self, person_id: PersonId) -> Actor | None:
        """Return a person."""
        return await self._glance(lambda sql: people.actor_by_id(sql, person_id))

    async def organizations(self, actor: Actor) -> Sequence[Organization]:
        """Return the organisations of a person."""
        return await self._read(lambda sql: people.organizations(sql, actor))

    async def organization_by_id(self, id_: OrganizationId) -> Organization | None:
        """Return the organisation."""
        return await self._glance(lambda sql: people.organization_by_id(sql, id_))

    async def url_orbs(self, organization: OrganizationId) -> Sequence[UrlOrbPrefix]:
        """Return the allow-list of an organisation."""
        return await self._read(lambda sql: orbs.url_orbs(sql, organization))

    async def orb_lock(self, pipeline_id: PipelineId) -> Sequence[OrbLock]:
        """Return what the orbs of a pipeline's config were."""
        return await self._read(lambda sql: orbs.orb_lock(sql, pipeline_id))

    async def organization(self, vcs: Vcs, name: str) -> Organization | None:
        """Return the organisation of that name."""
        return await self._glance(lambda sql: SqlProjects(sql).organization(vcs, name))

    async def organization_settings(self, organization_id: OrganizationId) -> OrganizationSettings:
        """Return an organisation's settings."""
        return await self._glance(lambda sql: SqlSettings(sql).of_organization(organization_id))

    async def schedule(self, schedule_id: ScheduleId) -> ScheduleView | None:
        """Return a schedule."""
        return await self._glance(lambda sql: schedules.schedule(sql, schedule_id))

    async def schedules(
        self,
        project_id: ProjectId,
        *,
        after: tuple[Micros, ScheduleId] | None = None,
        limit: int = 20,
    ) -> Sequence[Schedule]:
        """Return a project's schedules in the order of their creation."""
        return await self._read(
            lambda sql: schedules.schedules(sql, project_id, after=after, limit=limit)
        )

    async def project_settings(self, project_id: ProjectId) -> ProjectSettings:
        """Return a project's settings."""
        return await self._glance(lambda sql: SqlSettings(sql).of_project(project_id))

    async def project(self, slug: Slug) -> Project | None:
        """Return the project of that slug, or the one that had it."""
        return await self._glance(lambda sql: SqlProjects(sql).find(slug))

    async def project_by_id(self, project_id: ProjectId) -> Project | None:
        """Return the project."""
        return await self._glance(lambda sql: SqlProjects(sql).get_by_id(project_id))

    async def projects(self, actor: Actor) -> Sequence[Project]:
        """Return the projects of a person's organisations."""
        return await self._read(lambda sql: people.projects(sql, actor))

    async def pipelines(
        self,
        *,
        projects: Sequence[ProjectId],
        branch: str | None = None,
        actor_id: PersonId | None = None,
        before: tuple[Micros, PipelineId] | None = None,
        limit: int = 20,
    ) -> Sequence[PipelineView]:
        """Return pipelines, newest first, of the given projects."""
        read = self._glance if len(projects) == 1 else self._read
        return await read(
            lambda sql: self._pipeline_lists.page(
                sql,
                projects=projects,
                branch=branch,
                actor_id=actor_id,
                before=before,
                limit=limit,
            )
        )

    async def pipeline(self, pipeline_id: PipelineId) -> PipelineView | None:
        """Return a pipeline."""
        return await self._glance(lambda sql: pipelines.pipeline(sql, pipeline_id))

    async def pipeline_by_number(self, project_id: ProjectId, number: int) -> PipelineView | None:
        """Return a project's pipeline by its number."""
        return await self._glance(lambda sql: pipelines.pipeline_by_number(sql, project_id, number))

    async def pipeline_config(self, pipeline_id: PipelineId) -> PipelineConfig | None:
        """Return the texts of a pipeline."""
        return await self._read(lambda sql: pipelines.pipeline_config(sql, pipeline_id))

    async def workflows(
        self,
        pipeline_id: PipelineId,
        *,
        after: tuple[Micros, WorkflowId] | None = None,
        limit: int = 20,
    ) -> Sequence[WorkflowView]:
        """Return a pipeline's workflows in the order of their creation."""
        return await self._glance(
            lambda sql: workflows.workflows(sql, pipeline_id, after=after, limit=limit)
        )

    async def workflow(self, workflow_id: WorkflowId) -> WorkflowView | None:
        """Return a workflow."""
        return await self._glance(lambda sql: workflows.workflow(sql, workflow_id))

    async def slots(self, workflow_id: WorkflowId) -> Sequence[SlotView]:
        """Return all jobs of a workflow in the order of the config."""
        return await self._read(lambda sql: workflows.slots(sql, workflow_id))

    async def job(self, project_id: ProjectId, number: int) -> JobView | None:
        """Return a job by its number."""
        return await self._glance(lambda sql: jobs.job(sql, project_id, number))

    async def why(self, job_id: JobId) -> Waiting | None:
        """Return what a job waits for."""
        now = self._clock.now()
        return await self._read(lambda sql: waiting.why(sql, job_id, now))

    async def numbered_job(self, project_id: ProjectId, number: int) -> JobId | None:
        """Return the id of a job by its number."""
        return await self._glance(lambda sql: jobs.numbered_job(sql, project_id, number))

    async def job_owner(self, job_id: JobId) -> OrganizationId | None:
        """Return whose job this is."""
        return await self._glance(lambda sql: jobs.job_owner(sql, job_id))

    async def execution_owner(self, execution_id: ExecutionId) -> OrganizationId | None:
        """Return whose execution this is."""
        return await self._glance(lambda sql: jobs.execution_owner(sql, execution_id))

    async def recent_jobs(
        self,
        project_id: ProjectId,
        *,
        branch: str | None = None,
        offset: int = 0,
        limit: int = 30,
    ) -> Sequence[JobView]:
        """Return numbered jobs, newest first."""
        return await self._read(
            lambda sql: jobs.recent_jobs(sql, project_id, branch=branch, offset=offset, limit=limit)
        )

    async def artifacts(
        self, job_id: JobId, *, after: tuple[int, str] | None = None, limit: int = 20
    ) -> Sequence[ArtifactView]:
        """Return a job's artifacts by node and path."""
        return await self._glance(lambda sql: kept.artifacts(sql, job_id, after=after, limit=limit))

    async def artifact(self, job_id: JobId, node: int, path: str) -> ArtifactView | None:
        """Return an artifact."""
        return await self._glance(lambda sql: kept.artifact(sql, job_id, node, path))

    async def tests(
        self, job_id: JobId, *, after: int | None = None, limit: int = 20
    ) -> Sequence[TestView]:
        """Return a job's test results."""
        return await self._read(lambda sql: kept.tests(sql, job_id, after=after, limit=limit))
