"""Jobs: their end on request."""

from roundel.domain.access import Actor
from roundel.domain.errors import NotFound
from roundel.domain.ids import JobId
from roundel.domain.records import dataclass
from roundel.services.advancing import advance_after
from roundel.services.stopping import stop_job
from roundel.services.work import App, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelJob:
    """Ask for a job's end."""

    job: JobId
    by: Actor


async def cancel_job(command: CancelJob, app: App) -> None:
    """Ask the job to stop; it is canceled once it has.  Asking again changes nothing."""
    at = app.clock.now()

    def transaction(tx: Tx) -> None:
        job = tx.jobs.get(command.job)
        if job is None:
            raise NotFound("Job not found")
        if stop_job(tx, job, by=command.by.id, at=at):
            advance_after(tx, job, at)

    await app.database.write(transaction)
