"""The read port over a world that is held in memory."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from roundel.domain.access import Actor
from roundel.domain.clock import SECOND, Micros
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
from roundel.domain.jobs import Job
from roundel.domain.projects import Organization, Project, Slug, Vcs
from roundel.domain.settings import OrganizationSettings, ProjectSettings
from roundel.domain.views import (
    JobView,
    PipelineConfig,
    PipelineView,
    ScheduleView,
    SlotView,
    WorkflowView,
)
from roundel.domain.waiting import Load, Waiting

if TYPE_CHECKING:
    from tests.api.world import World


class Readers:
    """The read port on a world."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def state(self) -> int | None:
        return None  # the world changes below it

    async def actor(self, token_digest: bytes) -> Actor | None:
        if self._world.broken:
            raise OSError("the disk is gone")
        self._world.lookups += 1
        for token, actor in self._world.actors.items():
            if hashlib.sha256(token.encode()).digest() == token_digest:
                return actor
        return None

    async def load(self) -> Load:
        return Load(at_work=2, waiting=3, oldest=self._world.clock.now() - 90 * SECOND)

    async def person(self, person_id: PersonId) -> Actor | None:
        return next((it for it in self._world.actors.values() if it.id == person_id), None)

    async def organizations(self, actor: Actor) -> Sequence[Organization]:
        return [it for it in self._world.organizations_by_id.values() if it.id in actor.roles]

    async def organization(self, vcs: Vcs, name: str) -> Organization | None:
        found = self._world.organizations_by_id.values()
        return next((it for it in found if (it.vcs, it.name) == (vcs, name)), None)

    async def organization_settings(self, organization_id: OrganizationId) -> OrganizationSettings:
        return OrganizationSettings()

    async def schedule(self, schedule_id: ScheduleId) -> ScheduleView | None:
        return None

    async def project_settings(self, project_id: ProjectId) -> ProjectSettings:
        return self._world.settings.get(project_id, ProjectSettings())

    async def project(self, slug: Slug) -> Project | None:
        return next((it for it in self._world.projects_by_id.values() if it.slug == slug), None)

    async def project_by_id(self, project_id: ProjectId) -> Project | None:
        return self._world.projects_by_id.get(project_id)

    async def projects(self, actor: Actor) -> Sequence[Project]:
        return [
            it for it in self._world.projects_by_id.values() if it.organization.id in actor.roles
        ]

    async def pipelines(
        self,
        *,
        projects: Sequence[ProjectId],
        branch: str | None = None,
        actor_id: PersonId | None = None,
        before: tuple[Micros, PipelineId] | None = None,
        limit: int = 20,
    ) -> Sequence[PipelineView]:
        rows = [
            it
            for it in self._world.pipelines_by_id.values()
            if it.pipeline.project_id in projects
            and branch in (None, it.pipeline.ref.branch)
            and actor_id in (None, it.pipeline.trigger.actor_id)
            and (before is None or (it.pipeline.created_at, it.pipeline.id) < before)
        ]
        rows.sort(key=lambda it: (it.pipeline.created_at, it.pipeline.id), reverse=True)
        return rows[:limit]

    async def pipeline(self, pipeline_id: PipelineId) -> PipelineView | None:
        return self._world.pipelines_by_id.get(pipeline_id)

    async def pipeline_by_number(self, project_id: ProjectId, number: int) -> PipelineView | None:
        for view in self._world.pipelines_by_id.values():
            if (view.pipeline.project_id, view.pipeline.number) == (project_id, number):
                return view
        return None

    async def pipeline_config(self, pipeline_id: PipelineId) -> PipelineConfig | None:
        return self._world.configs.get(pipeline_id)

    async def workflows(
        self,
        pipeline_id: PipelineId,
        *,
        after: tuple[Micros, WorkflowId] | None = None,
        limit: int = 20,
    ) -> Sequence[WorkflowView]:
        rows = [
            it
            for it in self._world.workflows_by_id.values()
            if it.workflow.pipeline_id == pipeline_id
            and (after is None or (it.workflow.created_at, it.workflow.id) > after)
        ]
        rows.sort(key=lambda it: (it.workflow.created_at, it.workflow.id))
        return rows[:limit]

    async def workflow(self, workflow_id: WorkflowId) -> WorkflowView | None:
        return self._world.workflows_by_id.get(workflow_id)

    async def slots(self, workflow_id: WorkflowId) -> Sequence[SlotView]:
        return self._world.slots_of[workflow_id]

    async def job(self, project_id: ProjectId, number: int) -> JobView | None:
        for job in self._jobs(project_id):
            if job.number == number:
                return self._view(job)
        return None

    async def numbered_job(self, project_id: ProjectId, number: int) -> JobId | None:
        return next((it.id for it in self._jobs(project_id) if it.number == number), None)

    async def why(self, job_id: JobId) -> Waiting | None:
        return None

    async def job_owner(self, job_id: JobId) -> OrganizationId | None:
        for project in self._world.projects_by_id.values():
            if any(job.id == job_id for job in self._jobs(project.id)):
                return project.organization.id
        return None

    async def execution_owner(self, execution_id: ExecutionId) -> OrganizationId | None:
        for job_id, nodes in self._world.nodes_of.items():
            if any(node.execution_id == execution_id for node in nodes):
                return await self.job_owner(JobId(job_id))
        return None

    async def recent_jobs(
        self,
        project_id: ProjectId,
        *,
        branch: str | None = None,
        offset: int = 0,
        limit: int = 30,
    ) -> Sequence[JobView]:
        views = [self._view(job) for job in self._jobs(project_id) if job.number is not None]
        views = [it for it in views if branch in (None, it.pipeline.ref.branch)]
        views.sort(key=lambda it: it.job.number or 0, reverse=True)
        return views[offset : offset + limit]

    def _jobs(self, project_id: ProjectId) -> list[Job]:
        return [
            slot.job
            for slots in self._world.slots_of.values()
            for slot in slots
            if slot.job.project_id == project_id
        ]

    def _view(self, job: Job) -> JobView:
        workflow = self._world.workflows_by_id[job.workflow_id].workflow
        return JobView(
            job=job,
            project=self._world.projects_by_id[job.project_id],
            workflow=workflow,
            pipeline=self._world.pipelines_by_id[workflow.pipeline_id].pipeline,
            nodes=self._world.nodes_of.get(job.id, ()),
            contexts=("deploy",),
        )
