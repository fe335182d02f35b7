"""Jobs."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import JobId, ProjectId
from roundel.domain.jobs import Job, JobStatus, check_move
from roundel.domain.watching import Wake, nobody, topic_of_changes
from roundel.store.dialect import Sql, in_pieces, placeholders
from roundel.store.rows import JOB, job_of, job_row, values_of

# A job that waits may have no number yet; it takes one when it goes on, and keeps it.
_NUMBERLESS = frozenset({JobStatus.BLOCKED, JobStatus.ON_HOLD})
_SAVE = (
    "UPDATE job SET status = :status, approved_by = :approved_by,"
    " canceled_by = :canceled_by, message = :message, queued_at = :queued_at,"
    " started_at = :started_at, stopped_at = :stopped_at{}"
    " WHERE id = :id AND status = :before"
)
# Two statements, as the index of numbers would double the cost of those that leave it as it is.
_SAVE_NUMBER = _SAVE.format(", number = :number")
_SAVE_REST = _SAVE.format("")
LOOK_BACK = 1000  # numbers: a claim must not walk through a project's whole history


def _saving(before: JobStatus) -> str:
    return _SAVE_NUMBER if before in _NUMBERLESS else _SAVE_REST


class SqlJobs:
    """Implements `domain.jobs.Jobs`."""

    def __init__(self, sql: Sql, wake: Wake = nobody) -> None:
        self._sql = sql
        self._wake = wake

    def add(self, jobs: Sequence[Job]) -> None:
        """Add jobs; their workflow must be there."""
        self._sql.each(
            f"INSERT INTO job ({JOB}) VALUES ({values_of(JOB)})", [job_row(job) for job in jobs]
        )
        for project in {job.project_id for job in jobs}:
            self._wake(topic_of_changes(project))

    def get(self, job_id: JobId) -> Job | None:
        """Return the job."""
        row = self._sql.one(f"SELECT {JOB} FROM job WHERE id = :id", id=job_id)
        return None if row is None else job_of(row)

    def several(self, job_ids: Sequence[JobId]) -> Sequence[Job]:
        """Return those of these jobs that are there, in the same order."""
        found: dict[JobId, Job] = {}
        for some in in_pieces(job_ids):
            marks, values = placeholders("id", some)
            rows = self._sql.all(f"SELECT {JOB} FROM job WHERE id IN ({marks})", **values)
            found |= {JobId(row[0]): job_of(row) for row in rows}
        return [found[job_id] for job_id in job_ids if job_id in found]

    def number_before(self, project_id: ProjectId, branch: str, number: int) -> int | None:
        """Return the largest job number below `number` on a branch, looking back a while only."""
        row = self._sql.one(
            "SELECT job.number AS number FROM job"
            " JOIN workflow ON workflow.id = job.workflow_id"
            " JOIN pipeline ON pipeline.id = workflow.pipeline_id"
            " WHERE job.project_id = :project AND job.number < :number"
            " AND job.number >= :oldest AND pipeline.branch = :branch"
            " ORDER BY job.number DESC LIMIT 1",
            project=project_id,
            number=number,
            oldest=number - LOOK_BACK,
            branch=branch,
        )
        return None if row is None else int(row[0])

    def save(self, job: Job, before: JobStatus) -> None:
        """Save unless its status is no longer `before`; refuse a move that the table lacks."""
        if job.status is not before:
            check_move(job.name, before, job.status)
        self._sql.put(_saving(before), before=before.value, **job_row(job))
        self._wake(topic_of_changes(job.project_id))

    def save_all(self, jobs: Sequence[Job], before: JobStatus) -> None:
        """Save several as `save` does."""
        for job in jobs:
            if job.status is not before:
                check_move(job.name, before, job.status)
        rows = [{"before": before.value, **job_row(job)} for job in jobs]
        self._sql.each(_saving(before), rows)
        for project in {job.project_id for job in jobs}:
            self._wake(topic_of_changes(project))

    def begin(self, job_id: JobId, at: Micros) -> None:
        """Let a job that was claimed be running; one that stands elsewhere stays there."""
        row = self._sql.one(
            "UPDATE job SET status = 'running', started_at = COALESCE(started_at, :at)"
            " WHERE id = :id AND status = 'not_running' RETURNING project_id",
            id=job_id,
            at=at,
        )
        if row is not None:
            self._wake(topic_of_changes(ProjectId(row[0])))
