"""What usage exports read."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.projects import Project
from roundel.domain.usage import ExportId, UsageExport, UsedJob
from roundel.store.database import Database
from roundel.store.dialect import Row, Sql, placeholders
from roundel.store.owner_rows import project_of
from roundel.store.repos import usage
from roundel.store.repos.projects import SELECT_PROJECT
from roundel.store.rows import (
    JOB,
    JOB_WIDTH,
    PIPELINE,
    PIPELINE_WIDTH,
    WORKFLOW,
    WORKFLOW_WIDTH,
    columns,
    job_of,
    pipeline_of,
    workflow_of,
)

# Who needs it: a usage export, which goes through a project's jobs by their numbers.
_JOBS = (
    f"SELECT {columns(JOB, 'j')}, {columns(WORKFLOW, 'w')}, {columns(PIPELINE, 'p')},"
    " (SELECT min(f.queued_at) FROM job f WHERE f.workflow_id = w.id),"
    " (SELECT min(f.started_at) FROM job f WHERE f.workflow_id = w.id)"
    " FROM job j JOIN workflow w ON w.id = j.workflow_id JOIN pipeline p ON p.id = w.pipeline_id"
    " WHERE j.project_id = :project AND j.number > :after AND j.number <= :upto"
    " AND j.stopped_at >= :start AND j.stopped_at <= :until ORDER BY j.number"
)
# The number that the page ends with: the index on numbers alone is read for it.
_END = (
    "SELECT max(number), count(*) FROM (SELECT number FROM job"
    " WHERE project_id = :project AND number > :after ORDER BY number LIMIT :limit) AS page"
)


class SqlUsageReads:
    """Implements `domain.usage.UsageReads`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    async def export(self, export_id: ExportId) -> UsageExport | None:
        """Return an export."""
        return await self._read(lambda sql: usage.export(sql, export_id))

    async def exports(self, organization: OrganizationId, limit: int) -> Sequence[UsageExport]:
        """Return what an organization has asked for, the newest first."""
        return await self._read(lambda sql: usage.exports(sql, organization, limit))

    async def projects(self, organizations: Sequence[OrganizationId]) -> Sequence[Project]:
        """Return the projects of some organisations by slug."""
        return await self._read(lambda sql: _projects(sql, organizations))

    async def last_build(self, project: ProjectId) -> Micros | None:
        """Return when the newest job of a project ended."""
        return await self._read(lambda sql: _last_build(sql, project))

    async def jobs(
        self, project: ProjectId, *, after: int, start: Micros, end: Micros, limit: int
    ) -> tuple[Sequence[UsedJob], int | None]:
        """Return ended jobs of the span among the next `limit`, and where to go on from."""
        return await self._read(lambda sql: _jobs(sql, project, after, start, end, limit))


def _projects(sql: Sql, organizations: Sequence[OrganizationId]) -> list[Project]:
    marks, values = placeholders("organization", organizations)
    rows = sql.all(f"{SELECT_PROJECT} WHERE o.id IN ({marks}) ORDER BY p.slug", **values)
    return [project_of(row) for row in rows]


def _last_build(sql: Sql, project: ProjectId) -> Micros | None:
    row = sql.one(
        "SELECT stopped_at FROM job WHERE project_id = :project AND number IS NOT NULL"
        " AND stopped_at IS NOT NULL ORDER BY number DESC LIMIT 1",
        project=project,
    )
    return None if row is None else Micros(row[0])


def _jobs(
    sql: Sql, project: ProjectId, after: int, start: Micros, end: Micros, limit: int
) -> tuple[list[UsedJob], int | None]:
    page = sql.one(_END, project=project, after=after, limit=limit)
    if page is None or not page[1]:
        return [], None
    rows = sql.all(_JOBS, project=project, after=after, upto=page[0], start=start, until=end)
    return [_used(row) for row in rows], page[0] if page[1] == limit else None


def _used(row: Row) -> UsedJob:
    at = JOB_WIDTH + WORKFLOW_WIDTH
    return UsedJob(
        job=job_of(row),
        workflow=workflow_of(row[JOB_WIDTH:]),
        pipeline=pipeline_of(row[at:]),
        first_queued_at=row[at + PIPELINE_WIDTH],
        first_started_at=row[at + PIPELINE_WIDTH + 1],
    )
