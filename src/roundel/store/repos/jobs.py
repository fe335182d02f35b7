"""Jobs."""

from collections.abc import Sequence

from roundel.domain.ids import JobId
from roundel.domain.jobs import Job, JobStatus, check_move
from roundel.store.dialect import Sql
from roundel.store.rows import JOB, job_of, job_row, values_of


class SqlJobs:
    """Implements `domain.jobs.Jobs`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, jobs: Sequence[Job]) -> None:
        """Add jobs; their workflow must be there."""
        self._sql.each(
            f"INSERT INTO job ({JOB}) VALUES ({values_of(JOB)})", [job_row(job) for job in jobs]
        )

    def get(self, job_id: JobId) -> Job | None:
        """Return the job."""
        row = self._sql.one(f"SELECT {JOB} FROM job WHERE id = :id", id=job_id)
        return None if row is None else job_of(row)

    def save(self, job: Job, before: JobStatus) -> bool:
        """Save unless its status is no longer `before`; refuse a move that the table lacks."""
        if job.status is not before:
            check_move(job.name, before, job.status)
        changed = self._sql.run(
            "UPDATE job SET status = :status, number = :number, approved_by = :approved_by,"
            " canceled_by = :canceled_by, message = :message, queued_at = :queued_at,"
            " started_at = :started_at, stopped_at = :stopped_at"
            " WHERE id = :id AND status = :before",
            before=before.value,
            **job_row(job),
        )
        return changed > 0
