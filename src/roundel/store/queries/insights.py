"""Insights as the API shows them: records of figures, and the newest runs."""

from collections.abc import Mapping, Sequence

from roundel.domain.clock import MILLISECOND, Micros
from roundel.domain.ids import JobId, ProjectId, WorkflowId
from roundel.domain.insight_views import (
    FlakyTest,
    JobRunView,
    Rollup,
    RunView,
    TestFigures,
    TestRunView,
)
from roundel.domain.insights import ALL, WHOLE, Grain, compute_units
from roundel.domain.views import SlotView
from roundel.store.database import Database
from roundel.store.dialect import Sql, placeholders
from roundel.store.queries import tests
from roundel.store.queries.workflows import slots_of
from roundel.store.repos.insights import credits_of, figures_of


class SqlInsightReads:
    """Implements `domain.insight_views.InsightReads`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

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
        if not projects:
            return []
        where, values = _where(projects, grain, since, until, workflow, branch, jobs)
        return await self._read(lambda sql: _rollups(sql, where, values))

    async def names(
        self, project: ProjectId, workflow: str | None = None
    ) -> tuple[Sequence[str], Sequence[str]]:
        """Return the workflows and the branches that have figures."""
        return await self._read(lambda sql: _names(sql, project, workflow))

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
        where, values = _range(project, workflow, branch, since, until, before, limit, "w")
        return await self._read(lambda sql: _runs(sql, where, values))

    async def slots(
        self, workflows: Sequence[WorkflowId]
    ) -> Mapping[WorkflowId, Sequence[SlotView]]:
        """Return the jobs of each of these runs in the order of the config."""
        return await self._read(lambda sql: slots_of(sql, workflows))

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
        where, values = _range(project, workflow, branch, since, until, before, limit, "j")
        values["job"] = job
        return await self._read(lambda sql: _job_runs(sql, where, values))

    async def flaky_tests(self, project: ProjectId, since: Micros) -> Sequence[FlakyTest]:
        """Return tests that passed and failed on one commit."""
        return await self._read(lambda sql: tests.flaky(sql, project, since))

    async def tests(
        self, project: ProjectId, workflow: str, branch: str | None, most: int
    ) -> tuple[Sequence[TestRunView], Sequence[TestFigures]]:
        """Return the newest runs that have test results, newest first, and their tests."""
        return await self._read(lambda sql: tests.recent(sql, project, workflow, branch, most))


def _where(
    projects: Sequence[ProjectId],
    grain: Grain,
    since: Micros,
    until: Micros | None,
    workflow: str | None,
    branch: str | None,
    jobs: bool,
) -> tuple[str, dict[str, object]]:
    names, values = placeholders("project", projects)
    where = f"project_id IN ({names}) AND grain = :grain AND start_at >= :since"
    where += " AND job <> ''" if jobs else " AND job = ''"
    values |= {"grain": grain.value, "since": since}
    for column, value in (("workflow", workflow), ("branch", branch)):
        if value is not None:
            where += f" AND {column} = :{column}"
            values[column] = value
    if until is not None:
        where += " AND start_at < :until"
        values["until"] = until
    return where, values


def _rollups(sql: Sql, where: str, values: dict[str, object]) -> list[Rollup]:
    rows = sql.all(
        "SELECT project_id, start_at, workflow, job, branch, figures FROM rollup"
        f" WHERE {where} ORDER BY start_at, workflow, job, branch",
        **values,
    )
    return [
        Rollup(
            project_id=ProjectId(row[0]),
            start=Micros(row[1]),
            workflow=row[2],
            job=row[3],
            branch=row[4],
            figures=figures_of(row[5]),
        )
        for row in rows
    ]


def _names(
    sql: Sql, project: ProjectId, workflow: str | None
) -> tuple[Sequence[str], Sequence[str]]:
    rows = sql.all(
        "SELECT DISTINCT workflow, branch FROM rollup WHERE project_id = :project"
        " AND grain = 'day' AND job = '' AND workflow <> :whole AND branch <> :all",
        project=project,
        whole=WHOLE,
        all=ALL,
    )
    workflows = sorted({row[0] for row in rows})
    branches = {row[1] for row in rows if workflow is None or row[0] == workflow}
    return workflows, sorted(branches - {""})


def _range(
    project: ProjectId,
    workflow: str,
    branch: str | None,
    since: Micros,
    until: Micros,
    before: tuple[Micros, WorkflowId] | tuple[Micros, JobId] | None,
    limit: int,
    table: str,
) -> tuple[str, dict[str, object]]:
    where = (
        f"w.project_id = :project AND w.name = :workflow AND {table}.stopped_at IS NOT NULL"
        f" AND {table}.created_at >= :since"
    )
    values: dict[str, object] = {
        "project": project,
        "workflow": workflow,
        "since": since,
        "limit": limit,
    }
    if branch is not None:
        where += " AND p.branch = :branch"
        values["branch"] = branch
    # One upper end only: of two, SQLite may walk from the wrong one.
    if before is not None and before[0] < until:
        where += f" AND ({table}.created_at, {table}.id) < (:created_at, :id)"
        values["created_at"], values["id"] = before
    else:
        where += f" AND {table}.created_at < :until"
        values["until"] = until
    return where, values


def _runs(sql: Sql, where: str, values: dict[str, object]) -> list[RunView]:
    rows = sql.all(
        "SELECT w.id, p.branch, w.status, w.created_at, w.stopped_at, EXISTS (SELECT 1"
        " FROM workflow_job s WHERE s.workflow_id = w.id AND s.type = 'approval')"
        " FROM workflow w JOIN pipeline p ON p.id = w.pipeline_id"
        f" WHERE {where} ORDER BY w.created_at DESC, w.id DESC LIMIT :limit",
        **values,
    )
    return [
        RunView(
            id=WorkflowId(row[0]),
            branch=row[1] or "",
            status=row[2],
            created_at=Micros(row[3]),
            stopped_at=row[4],
            credits=credits_of(sql, WorkflowId(row[0])),
            has_approval=bool(row[5]),
        )
        for row in rows
    ]


def _job_runs(sql: Sql, where: str, values: dict[str, object]) -> list[JobRunView]:
    rows = sql.all(
        "SELECT j.id, j.status, j.started_at, j.stopped_at, j.parallelism, j.resource_class,"
        " j.created_at"
        " FROM job j JOIN workflow w ON w.id = j.workflow_id"
        " JOIN pipeline p ON p.id = w.pipeline_id"
        f" WHERE j.project_id = :project AND j.name = :job AND j.started_at IS NOT NULL"
        f" AND {where} ORDER BY j.created_at DESC, j.id DESC LIMIT :limit",
        **values,
    )
    return [
        JobRunView(
            id=JobId(row[0]),
            status=row[1],
            created_at=Micros(row[6]),
            started_at=Micros(row[2]),
            stopped_at=Micros(row[3]),
            credits=compute_units((row[3] - row[2]) // MILLISECOND, row[4], row[5]),
        )
        for row in rows
    ]
