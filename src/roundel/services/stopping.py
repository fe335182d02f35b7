"""Stopping a job on request: what waits ends at once, what runs is asked to."""

from dataclasses import replace

from roundel.domain.clock import Micros
from roundel.domain.jobs import ENDED, EXECUTION_ENDED, ExecutionStatus, Job, JobStatus
from roundel.services.announcing import announce_job
from roundel.services.work import Tx, topic_of_execution


def stop_job(tx: Tx, job: Job, *, by: str, at: Micros) -> bool:
    """Cancel a job that no runner has, and ask the runners that have it to stop.

    Return whether it has ended by that: the caller advances its workflows then.  Stopping twice
    changes nothing.
    """
    if job.status in ENDED:
        return False
    running = False
    for execution in tx.executions.of_job(job.id):
        if execution.status in EXECUTION_ENDED:
            continue
        if execution.status is ExecutionStatus.QUEUED:
            ended = replace(execution, status=ExecutionStatus.CANCELED, stopped_at=at)
            tx.executions.save(ended, execution.status)
            continue
        running = True
        tx.executions.save(replace(execution, canceling=True), execution.status)
        tx.wake(topic_of_execution(execution.id))
    if running:
        tx.jobs.save(replace(job, canceled_by=by), job.status)
        return False
    after = replace(job, status=JobStatus.CANCELED, canceled_by=by, stopped_at=at)
    tx.jobs.save(after, job.status)
    announce_job(tx, after, at)
    return True
