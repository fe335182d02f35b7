"""What readers see of insights, and the ports that keep and fetch it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from roundel.domain.clock import Micros
from roundel.domain.ids import JobId, ProjectId, WorkflowId
from roundel.domain.insights import Figures, Grain, Sample
from roundel.domain.records import dataclass

if TYPE_CHECKING:
    from roundel.domain.views import SlotView


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """The figures of one interval, about one workflow or job on one branch or all."""

    project_id: ProjectId
    start: Micros
    workflow: str
    job: str
    branch: str
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """An ended run of a workflow."""

    id: WorkflowId
    branch: str
    status: str
    created_at: Micros
    stopped_at: Micros | None
    credits: int
    has_approval: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRunView:
    """An ended run of a job."""

    id: JobId
    status: str
    created_at: Micros
    started_at: Micros
    stopped_at: Micros
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TestKey:
    """A test, as people know it."""

    name: str
    classname: str
    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlakyTest:
    """A test that both passed and failed on one commit; the rest is of its newest failure."""

    key: TestKey
    file: str
    source: str
    times: int
    wasted_seconds: float
    workflow_id: WorkflowId
    workflow_name: str
    workflow_created_at: Micros
    pipeline_number: int
    job_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFigures:
    """What is known of one test over a few runs."""

    key: TestKey
    file: str
    source: str
    runs: int
    failed: int
    slowest_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRunView:
    """The counts of all tests of one run of a workflow."""

    pipeline_number: int
    workflow_id: WorkflowId
    error: int
    failure: int
    skipped: int
    success: int


class Insights(Protocol):
    """Where figures are kept."""

    def fold(self, samples: Sequence[Sample]) -> None:
        """Count runs in all intervals, branches and totals that they belong to."""

    def credits_of(self, workflow_id: WorkflowId) -> int:
        """Return the compute units of a workflow's own jobs."""

    def branch_of(self, workflow_id: WorkflowId) -> str:
        """Return on which branch a workflow ran; for a tag, an empty text."""

    def failed(self, project_id: ProjectId, workflow: str, branch: str, at: Micros) -> None:
        """Note a failure that waits for a success."""

    def recovered(
        self, project_id: ProjectId, workflow: str, branch: str, at: Micros
    ) -> tuple[int, int]:
        """Return how many failures a success ends, and their milliseconds together."""


class InsightReads(Protocol):
    """What the doors read of insights."""

    async def rollups(
        self,
        projects: Sequence[ProjectId],
        grain: Grain,
        since: Micros,
        until: Micros | None = None,
        *,
        workflow: str | None = None,
        branch: str | None = None,
        jobs: bool = False,
    ) -> Sequence[Rollup]:
        """Return records from `since` on, of runs or, with `jobs`, of jobs."""

    async def names(
        self, project: ProjectId, workflow: str | None = None
    ) -> tuple[Sequence[str], Sequence[str]]:
        """Return the workflows and the branches that have figures."""

    async def runs(
        self,
        project: ProjectId,
        workflow: str,
        *,
        branch: str | None,
        since: Micros,
        until: Micros,
        before: tuple[Micros, WorkflowId] | None,
        limit: int,
    ) -> Sequence[RunView]:
        """Return ended runs, newest first."""

    async def slots(
        self, workflows: Sequence[WorkflowId]
    ) -> "Mapping[WorkflowId, Sequence[SlotView]]":
        """Return the jobs of each of these runs in the order of the config."""

    async def job_runs(
        self,
        project: ProjectId,
        workflow: str,
        job: str,
        *,
        branch: str | None,
        since: Micros,
        until: Micros,
        before: tuple[Micros, JobId] | None,
        limit: int,
    ) -> Sequence[JobRunView]:
        """Return ended runs of a job, newest first."""

    async def flaky_tests(self, project: ProjectId, since: Micros) -> Sequence[FlakyTest]: ...

    async def tests(
        self, project: ProjectId, workflow: str, branch: str | None, most: int
    ) -> tuple[Sequence[TestRunView], Sequence[TestFigures]]:
        """Return the newest runs that have test results, newest first, and their tests."""
