"""Pipelines that are over."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import PipelineId, ProjectId
from roundel.domain.storage import BlobId
from roundel.store.dialect import Sql

_WORKFLOWS = "(SELECT id FROM workflow WHERE pipeline_id = :id)"
_JOBS = "(SELECT j.id FROM job j JOIN workflow w ON w.id = j.workflow_id WHERE w.pipeline_id = :id)"
_EXECUTIONS = (
    "(SELECT e.id FROM execution e JOIN job j ON j.id = e.job_id"
    " JOIN workflow w ON w.id = j.workflow_id WHERE w.pipeline_id = :id)"
)
# What refers to others comes before them.
_TABLES = (
    ("failed_tests_of", "workflow_id", _WORKFLOWS),
    ("failed_tests_of", "failed_in", _WORKFLOWS),
    ("test_result", "job_id", _JOBS),
    ("test_part", "job_id", _JOBS),
    ("test_run", "job_id", _JOBS),
    ("artifact", "job_id", _JOBS),
    ("workspace_layer", "job_id", _JOBS),
    ("ticket", "job_id", _JOBS),
    ("chunk", "execution_id", _EXECUTIONS),
    ("step", "execution_id", _EXECUTIONS),
    ("upload", "execution_id", _EXECUTIONS),
    ("timer", "subject", _EXECUTIONS),
    ("timer", "subject", _WORKFLOWS),
    ("execution", "job_id", _JOBS),
    ("workflow_job", "workflow_id", _WORKFLOWS),
    ("job", "workflow_id", _WORKFLOWS),
    ("orb_lock", "pipeline_id", "(:id)"),
    ("workflow", "pipeline_id", "(:id)"),
    ("pipeline", "id", "(:id)"),
)


class SqlHistory:
    """Implements `domain.history.History`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def outdated(self, project_id: ProjectId, before: Micros, limit: int) -> Sequence[PipelineId]:
        """Return pipelines of before then that nothing is in use of, oldest first."""
        rows = self._sql.all(
            "SELECT p.id FROM pipeline p WHERE p.project_id = :project AND p.created_at < :before"
            " AND p.state NOT IN ('pending', 'setup-pending')"
            " AND NOT EXISTS (SELECT 1 FROM workflow w WHERE w.pipeline_id = p.id"
            " AND w.stopped_at IS NULL)"
            " AND NOT EXISTS (SELECT 1 FROM workflow w JOIN job j ON j.workflow_id = w.id"
            " JOIN execution e ON e.job_id = j.id JOIN upload u ON u.execution_id = e.id"
            " JOIN cache c ON c.upload_id = u.id WHERE w.pipeline_id = p.id)"
            " ORDER BY p.created_at, p.id LIMIT :limit",
            project=project_id,
            before=before,
            limit=limit,
        )
        return [PipelineId(row[0]) for row in rows]

    def objects(self, pipeline_id: PipelineId) -> Sequence[str]:
        """Return the objects that hold output of a pipeline's jobs."""
        rows = self._sql.all(
            "SELECT blob FROM chunk WHERE blob IS NOT NULL"
            f" AND execution_id IN {_EXECUTIONS}"
            " UNION SELECT sealed FROM step WHERE sealed IS NOT NULL"
            f" AND execution_id IN {_EXECUTIONS}",
            id=pipeline_id,
        )
        return [str(row[0]) for row in rows]

    def uploads(self, pipeline_id: PipelineId) -> Sequence[BlobId]:
        """Return the blobs that a pipeline's jobs have uploaded."""
        rows = self._sql.all(
            f"SELECT id FROM upload WHERE execution_id IN {_EXECUTIONS}", id=pipeline_id
        )
        return [BlobId(row[0]) for row in rows]

    def forget(self, pipeline_id: PipelineId) -> None:
        """Remove a pipeline and everything that belongs to it; its number is not given again."""
        for table, column, which in _TABLES:
            self._sql.run(f"DELETE FROM {table} WHERE {column} IN {which}", id=pipeline_id)
