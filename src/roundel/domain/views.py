"""What readers see: flat records for lists and details, and the port that fetches them.

Reads do not go through entities.  Pages are keyset pages: `before` is the last row that the
caller has, so the cost of a page does not grow with its place in the list.
"""

from collections.abc import Sequence
from typing import Protocol

from roundel.domain.access import Actor
from roundel.domain.clock import Micros
from roundel.domain.contexts import ContextReads
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
from roundel.domain.jobs import Execution, ExecutionStatus, Job
from roundel.domain.orbs import OrbLock, UrlOrbPrefix
from roundel.domain.pipelines import Pipeline
from roundel.domain.plan import Requirement
from roundel.domain.projects import Organization, Project, Slug, Vcs
from roundel.domain.records import dataclass
from roundel.domain.resource_classes import ResourceClass
from roundel.domain.runners import StepReport
from roundel.domain.schedules import Schedule
from roundel.domain.settings import OrganizationSettings, ProjectSettings
from roundel.domain.storage import BlobId, TestResult
from roundel.domain.waiting import Load, Waiting
from roundel.domain.workflows import Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineConfig:
    """The texts of a pipeline; empty where the config could not be fetched or compiled."""

    source: str
    compiled: str
    setup_source: str | None = None
    setup_compiled: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineView:
    """A pipeline with what lists show of its project."""

    pipeline: Pipeline
    project_slug: Slug
    repository_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowView:
    """A workflow with what the API shows beside it."""

    workflow: Workflow
    project_slug: Slug
    organization_id: OrganizationId
    pipeline_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotView:
    """One job in a workflow, as `GET /workflow/{id}/job` lists it; excluded ones are left out."""

    job: Job
    requires: tuple[Requirement, ...]  # those not filtered out
    dependencies: tuple[JobId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """One parallel node: its newest attempt, and its steps with how much output each has."""

    execution_id: ExecutionId
    node: int
    status: ExecutionStatus
    started_at: Micros | None
    stopped_at: Micros | None
    steps: tuple[tuple[StepReport, int], ...]  # (step, bytes of output)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job by number, with everything that job details (v2 and v1.1) show."""

    job: Job
    project: Project
    workflow: Workflow
    pipeline: Pipeline
    nodes: tuple[NodeView, ...]
    contexts: tuple[str, ...] = ()
    upstream: tuple[JobId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactView:
    """An artifact of a job."""

    path: str
    node: int
    size: int
    blob: BlobId


@dataclass(frozen=True, slots=True, kw_only=True)
class TestView:
    """A test result of a job; `number` counts them."""

    number: int
    node: int
    test: TestResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleView:
    """A schedule with its project."""

    schedule: Schedule
    project: Project


class Reads(Protocol):
    """The read port of the doors.  What does not exist is None; rights are the caller's affair."""

    @property
    def secrets(self) -> ContextReads: ...

    def state(self) -> int | None:
        """Return a number that is another one once anything was written; None if nobody knows."""

    async def actor(self, token_digest: bytes) -> Actor | None:
        """Return whose token this is (SHA-256 of its text), unless expired or revoked."""

    async def runner_class(self, token_digest: bytes) -> ResourceClass | None:
        """Return the class of runners that this token speaks for."""

    async def person(self, person_id: PersonId) -> Actor | None: ...

    async def load(self) -> Load:
        """Return how much work there is on the whole server."""

    async def execution(self, execution_id: ExecutionId) -> Execution | None: ...

    async def organizations(self, actor: Actor) -> Sequence[Organization]: ...

    async def organization_by_id(self, id_: OrganizationId) -> Organization | None: ...

    async def url_orbs(self, organization: OrganizationId) -> Sequence[UrlOrbPrefix]:
        """Return from where an organisation allows URL orbs."""

    async def orb_lock(self, pipeline_id: PipelineId) -> Sequence[OrbLock]:
        """Return what the orbs of a pipeline's config were."""

    async def organization(self, vcs: Vcs, name: str) -> Organization | None: ...

    async def organization_settings(
        self, organization_id: OrganizationId
    ) -> OrganizationSettings: ...

    async def schedule(self, schedule_id: ScheduleId) -> ScheduleView | None: ...

    async def schedules(
        self,
        project_id: ProjectId,
        *,
        after: tuple[Micros, ScheduleId] | None = None,
        limit: int = 20,
    ) -> Sequence[Schedule]:
        """Return a project's schedules in the order of their creation."""

    async def project_settings(self, project_id: ProjectId) -> ProjectSettings: ...

    async def project(self, slug: Slug) -> Project | None:
        """Return the project of this slug, or else the one that had it before it was renamed."""

    async def project_by_id(self, project_id: ProjectId) -> Project | None: ...

    async def projects(self, actor: Actor) -> Sequence[Project]: ...

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

    async def pipeline(self, pipeline_id: PipelineId) -> PipelineView | None: ...

    async def pipeline_by_number(
        self, project_id: ProjectId, number: int
    ) -> PipelineView | None: ...

    async def pipeline_config(self, pipeline_id: PipelineId) -> PipelineConfig | None: ...

    async def workflows(
        self,
        pipeline_id: PipelineId,
        *,
        after: tuple[Micros, WorkflowId] | None = None,
        limit: int = 20,
    ) -> Sequence[WorkflowView]:
        """Return a pipeline's workflows in the order of their creation."""

    async def workflow(self, workflow_id: WorkflowId) -> WorkflowView | None: ...

    async def slots(self, workflow_id: WorkflowId) -> Sequence[SlotView]:
        """Return all jobs of a workflow in the order of the config."""

    async def job(self, project_id: ProjectId, number: int) -> JobView | None: ...

    async def numbered_job(self, project_id: ProjectId, number: int) -> JobId | None: ...

    async def why(self, job_id: JobId) -> Waiting | None:
        """Return what a job waits for."""

    async def job_owner(self, job_id: JobId) -> OrganizationId | None:
        """Return whose job this is, for rights on operations that name a job by id."""

    async def execution_owner(self, execution_id: ExecutionId) -> OrganizationId | None:
        """Return whose execution this is, for rights on its output."""

    async def recent_jobs(
        self,
        project_id: ProjectId,
        *,
        branch: str | None = None,
        offset: int = 0,
        limit: int = 30,
    ) -> Sequence[JobView]:
        """Return numbered jobs, newest first (v1.1 lists; `limit` is at most 100)."""

    async def artifacts(
        self, job_id: JobId, *, after: tuple[int, str] | None = None, limit: int = 20
    ) -> Sequence[ArtifactView]:
        """Return a job's artifacts by node and path, from behind `after` on."""

    async def artifact(self, job_id: JobId, node: int, path: str) -> ArtifactView | None: ...

    async def tests(
        self, job_id: JobId, *, after: int | None = None, limit: int = 20
    ) -> Sequence[TestView]:
        """Return a job's test results, from behind number `after` on."""
