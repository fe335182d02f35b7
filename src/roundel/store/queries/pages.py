"""What pages show and the API does not: the read port, on the reader connections."""

from collections.abc import Mapping, Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import ExecutionId, PipelineId, ProjectId, WorkflowId
from roundel.domain.jobs import Job
from roundel.domain.page_views import (
    Failure,
    FoundTest,
    LeftOut,
    PipelineFilter,
    PipelineLine,
    PipelinePage,
    Standing,
    TestName,
    TestPast,
)
from roundel.domain.resource_use import Sample
from roundel.domain.schedules import CronTrigger
from roundel.domain.views import NodeView, PipelineView
from roundel.store.database import Database
from roundel.store.dialect import Sql
from roundel.store.queries import page_finds, page_lists, page_tests
from roundel.store.queries.jobs import node
from roundel.store.queries.pipelines import pipeline
from roundel.store.queries.schedules import cron_triggers
from roundel.store.samples import kept_samples


class SqlPageReads:
    """Implements `domain.page_views.PageReads`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    async def pipelines(
        self,
        wanted: PipelineFilter,
        *,
        before: tuple[Micros, PipelineId] | None = None,
        limit: int = 30,
    ) -> PipelinePage:
        """Return pipelines, newest first."""
        return await self._read(lambda sql: page_lists.page(sql, wanted, before, limit))

    async def line(self, pipeline_id: PipelineId) -> PipelineLine | None:
        """Return one pipeline as a list has it."""

        def read(sql: Sql) -> PipelineLine | None:
            found = pipeline(sql, pipeline_id)
            return None if found is None else page_lists.lines_of(sql, [found])[0]

        return await self._read(read)

    async def branches(self, projects: Sequence[ProjectId], *, limit: int = 50) -> Sequence[str]:
        """Return the branches of recent pipelines, by name."""
        return await self._read(lambda sql: page_finds.branches(sql, projects, limit))

    async def search(
        self, projects: Sequence[ProjectId], text: str, *, limit: int = 20
    ) -> Sequence[PipelineView]:
        """Return pipelines by their number, the beginning of their commit, or their branch."""
        return await self._read(lambda sql: page_finds.search(sql, projects, text, limit))

    async def cron_triggers(
        self, project_id: ProjectId, *, limit: int = 100
    ) -> Sequence[CronTrigger]:
        """Return what the configs of a project's branches schedule, by branch and workflow."""
        return await self._read(lambda sql: cron_triggers(sql, project_id, limit))

    async def excluded(self, workflow_id: WorkflowId) -> Sequence[LeftOut]:
        """Return the jobs of a workflow that a filter keeps from running."""
        return await self._read(lambda sql: page_finds.excluded(sql, workflow_id))

    async def node(self, execution_id: ExecutionId) -> NodeView | None:
        """Return a node of a job with its steps, by its execution."""
        return await self._read(lambda sql: node(sql, execution_id))

    async def find_tests(
        self, projects: Sequence[ProjectId], text: str, *, limit: int = 20
    ) -> Sequence[FoundTest]:
        """Return tests by a part of their name or class, of the newest run of each job."""
        return await self._read(lambda sql: page_tests.find_tests(sql, projects, text, limit))

    async def test_pasts(
        self, job: Job, tests: Sequence[TestName], since: Micros
    ) -> Mapping[TestName, TestPast]:
        """Return the pasts of tests of a job; `since` is from when on one counts as flaky."""
        return await self._read(lambda sql: page_tests.pasts(sql, job, tests, since))

    async def resource_use(self, execution_id: ExecutionId) -> Sequence[Sample]:
        """Return the samples of what an execution has used, in their order."""
        return await self._read(lambda sql: kept_samples(sql, execution_id))

    async def resource_uses(
        self, execution_ids: Sequence[ExecutionId]
    ) -> Sequence[Sequence[Sample]]:
        """Return the samples of several executions."""
        return await self._read(lambda sql: [kept_samples(sql, id_) for id_ in execution_ids])

    async def plan_text(self, pipeline_id: PipelineId) -> str | None:
        """Return a pipeline's plan as it is stored."""
        row = await self._read(
            lambda sql: sql.one(
                "SELECT d.text FROM pipeline p JOIN document d ON d.hash = p.plan WHERE p.id = :id",
                id=pipeline_id,
            )
        )
        return None if row is None else row[0]

    async def failures(self, project_id: ProjectId, *, limit: int = 30) -> Sequence[Failure]:
        """Return the newest failed workflows of a project."""
        return await self._read(lambda sql: page_finds.failures(sql, project_id, limit))

    async def newest_status(
        self, project_id: ProjectId, branch: str, workflow: str | None
    ) -> Standing | None:
        """Return how the newest pipeline of a branch stands, or a workflow of it by name."""
        return await self._read(
            lambda sql: page_finds.newest_status(sql, project_id, branch, workflow)
        )
