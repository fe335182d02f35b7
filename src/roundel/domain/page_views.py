"""What pages show and the API does not: lists with what is in each row, searches, newest states."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol, TypeAlias

from roundel.domain.clock import Micros
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import ExecutionId, PersonId, PipelineId, ProjectId, WorkflowId
from roundel.domain.jobs import Job, JobStatus
from roundel.domain.pipelines import PipelineState, TriggerType
from roundel.domain.plan import Place
from roundel.domain.projects import Slug
from roundel.domain.records import dataclass
from roundel.domain.resource_use import Sample
from roundel.domain.schedules import CronTrigger
from roundel.domain.views import NodeView, PipelineView
from roundel.domain.workflows import Workflow

TestName: TypeAlias = tuple[str, str]  # of a test: its class, and its own

LOOKED_THROUGH = 1000  # pipelines of a project that one page with a filter looks through


class Standing(StrEnum):
    """How a pipeline stands: the worst of its workflows, or of itself where it has none."""

    RUNNING = "running"
    ON_HOLD = "on_hold"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"
    ERRORED = "errored"
    NOT_RUN = "not_run"


WORKFLOWS_OF: Mapping[Standing, frozenset[WorkflowStatus]] = {
    Standing.RUNNING: frozenset({WorkflowStatus.RUNNING, WorkflowStatus.FAILING}),
    Standing.ON_HOLD: frozenset({WorkflowStatus.ON_HOLD}),
    Standing.SUCCESS: frozenset({WorkflowStatus.SUCCESS}),
    Standing.FAILED: frozenset(
        {WorkflowStatus.FAILED, WorkflowStatus.FAILING, WorkflowStatus.UNAUTHORIZED}
    ),
    Standing.CANCELED: frozenset({WorkflowStatus.CANCELED}),
    Standing.ERRORED: frozenset({WorkflowStatus.ERROR}),
    Standing.NOT_RUN: frozenset({WorkflowStatus.NOT_RUN}),
}
_WORST_FIRST = (
    (WorkflowStatus.FAILING, Standing.RUNNING),
    (WorkflowStatus.RUNNING, Standing.RUNNING),
    (WorkflowStatus.ERROR, Standing.ERRORED),
    (WorkflowStatus.UNAUTHORIZED, Standing.FAILED),
    (WorkflowStatus.FAILED, Standing.FAILED),
    (WorkflowStatus.ON_HOLD, Standing.ON_HOLD),
    (WorkflowStatus.CANCELED, Standing.CANCELED),
    (WorkflowStatus.SUCCESS, Standing.SUCCESS),
)
_OPEN_STATES = frozenset({PipelineState.PENDING, PipelineState.SETUP_PENDING, PipelineState.SETUP})


def standing_of(state: PipelineState, statuses: Sequence[WorkflowStatus]) -> Standing:
    """Return how a pipeline stands; `statuses` are those of the last run of each workflow."""
    if state is PipelineState.ERRORED:
        return Standing.ERRORED
    if state in _OPEN_STATES:
        return Standing.RUNNING
    for status, standing in _WORST_FIRST:
        if status in statuses:
            return standing
    return Standing.NOT_RUN


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineFilter:
    """Which pipelines a list shows.  What is None or empty filters nothing."""

    projects: tuple[ProjectId, ...]
    branch: str | None = None
    actor_id: PersonId | None = None
    trigger: TriggerType | None = None
    standing: Standing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowLine:
    """The last run of a workflow in a list, with how many of its jobs stand how."""

    workflow: Workflow
    jobs: Mapping[JobStatus, int]
    runs: int  # of this name in the pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineLine:
    """One row of a list of pipelines."""

    view: PipelineView
    workflows: tuple[WorkflowLine, ...]

    @property
    def standing(self) -> Standing:
        """Return how the pipeline stands."""
        statuses = [line.workflow.status for line in self.workflows]
        return standing_of(self.view.pipeline.state, statuses)

    @property
    def stopped_at(self) -> Micros | None:
        """Return when the last workflow stopped, None while one goes on."""
        ends = [line.workflow.stopped_at for line in self.workflows]
        known = [at for at in ends if at is not None]
        return max(known) if known and len(known) == len(ends) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelinePage:
    """A page of a list; `following` is where the next one begins, None at the end.

    A page with a filter may be short, or empty, and still be followed by another.
    """

    lines: tuple[PipelineLine, ...]
    following: tuple[Micros, PipelineId] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What of a plan does not run, and why."""

    workflow: str
    job: str | None
    reason: str
    at: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed workflow, for the feed."""

    workflow: Workflow
    project_slug: Slug
    pipeline_number: int
    branch: str | None
    tag: str | None
    subject: str
    author: str
    failed_jobs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTest:
    """A test that was searched for, in the newest run of its job."""

    name: str
    classname: str
    result: str
    job_name: str
    job_number: int
    workflow_id: WorkflowId
    pipeline_number: int
    project_slug: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """What came of a test in an earlier run of its job."""

    result: str
    job_number: int
    workflow_id: WorkflowId
    pipeline_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPast:
    """What is known of a test from before: `runs` has the newest last, and only where it ran.

    `flaky`: it passed and failed on one commit lately.
    """

    runs: tuple[PastRun, ...] = ()
    flaky: bool = False


class PageReads(Protocol):
    """The read port of the pages.  Rights are the caller's affair."""

    async def pipelines(
        self,
        wanted: PipelineFilter,
        *,
        before: tuple[Micros, PipelineId] | None = None,
        limit: int = 30,
    ) -> PipelinePage:
        """Return pipelines, newest first."""

    async def find_tests(
        self, projects: Sequence[ProjectId], text: str, *, limit: int = 20
    ) -> Sequence[FoundTest]:
        """Return tests by a part of their name or class, of the newest run of each job.

        Only so many results are looked at; what is not among them is not found.
        """

    async def test_pasts(
        self, job: Job, tests: Sequence[TestName], since: Micros
    ) -> Mapping[TestName, TestPast]:
        """Return the pasts of tests of a job; `since` is from when on one counts as flaky.

        So many runs and results are looked at, and no more: a past may be shorter than it was.
        """

    async def resource_use(self, execution_id: ExecutionId) -> Sequence[Sample]:
        """Return the samples of what an execution has used, in their order."""

    async def resource_uses(
        self, execution_ids: Sequence[ExecutionId]
    ) -> Sequence[Sequence[Sample]]:
        """Return the samples of several executions, as of one moment, in the order asked for."""

    async def line(self, pipeline_id: PipelineId) -> PipelineLine | None:
        """Return one pipeline as a list has it."""

    async def branches(self, projects: Sequence[ProjectId], *, limit: int = 50) -> Sequence[str]:
        """Return the branches of recent pipelines, by name."""

    async def search(
        self, projects: Sequence[ProjectId], text: str, *, limit: int = 20
    ) -> Sequence[PipelineView]:
        """Return pipelines by their number, the beginning of their commit, or their branch."""

    async def cron_triggers(
        self, project_id: ProjectId, *, limit: int = 100
    ) -> Sequence[CronTrigger]:
        """Return what the configs of a project's branches schedule, by branch and workflow."""

    async def excluded(self, workflow_id: WorkflowId) -> Sequence[LeftOut]:
        """Return the jobs of a workflow that a filter keeps from running."""

    async def node(self, execution_id: ExecutionId) -> NodeView | None:
        """Return a node of a job with its steps, by its execution."""

    async def plan_text(self, pipeline_id: PipelineId) -> str | None:
        """Return a pipeline's plan as it is stored."""

    async def failures(self, project_id: ProjectId, *, limit: int = 30) -> Sequence[Failure]:
        """Return the newest failed workflows of a project."""

    async def newest_status(
        self, project_id: ProjectId, branch: str, workflow: str | None
    ) -> Standing | None:
        """Return how the newest pipeline of a branch stands, or a workflow of it by name."""
