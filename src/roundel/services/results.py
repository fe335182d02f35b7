"""Results: steps that began and ended, executions that ended, leases that were lost."""

from collections.abc import Sequence
from dataclasses import replace

from roundel.domain.clock import MINUTE, Micros
from roundel.domain.errors import Invalid, LeaseLost
from roundel.domain.ids import ExecutionId, TimerId, new_id
from roundel.domain.jobs import (
    EXECUTION_ENDED,
    Execution,
    ExecutionStatus,
    Job,
    JobStatus,
    merged,
)
from roundel.domain.resource_use import MOST_SAMPLES
from roundel.domain.runners import Lease, Result, StepReport, StepStatus
from roundel.domain.timers import Timer, TimerKind
from roundel.domain.watching import topic_of_steps
from roundel.services.advancing import advance_after
from roundel.services.announcing import announce_job
from roundel.services.work import CLAIMS, Tx, topic_of_execution, topic_of_output

DEADLINE_GRACE = MINUTE  # a runner ends its jobs in time by itself; this is for one that does not
SEAL_FROM_BYTES = 4096  # below this an object of its own costs more than rows of the database
SEAL_AFTER = MINUTE  # readers that follow a job to its end find its output where it was

# Steps of our own, which change nothing outside the job.
IMPLICIT_KINDS = frozenset({"spin_up", "prepare_environment"})

_STEP_ENDS: dict[ExecutionStatus, StepStatus] = {
    ExecutionStatus.SUCCESS: StepStatus.SUCCESS,
    ExecutionStatus.FAILED: StepStatus.FAILED,
    ExecutionStatus.TIMEDOUT: StepStatus.TIMEDOUT,
    ExecutionStatus.CANCELED: StepStatus.CANCELED,
    ExecutionStatus.INFRASTRUCTURE_FAIL: StepStatus.INFRASTRUCTURE_FAIL,
}


def take_report(
    tx: Tx, execution: Execution, steps: Sequence[StepReport], lease_until: Micros, at: Micros
) -> Execution:
    """Keep what a runner tells of its steps; the first word from it starts the job.

    Return the execution as it is then.
    """
    if execution.status is ExecutionStatus.CLAIMED:
        execution = replace(begun(execution, at), lease_until=lease_until)
        tx.executions.save(execution, ExecutionStatus.CLAIMED)
        tx.jobs.begin(execution.job_id, at)
    save_steps(tx, execution.id, steps)
    return execution


def begun(execution: Execution, at: Micros) -> Execution:
    """Return a claimed execution as it is once its first step has begun."""
    return replace(execution, status=ExecutionStatus.RUNNING, started_at=execution.started_at or at)


def save_steps(tx: Tx, execution_id: ExecutionId, steps: Sequence[StepReport]) -> None:
    """Keep what a runner tells of its steps."""
    if not steps:
        return
    tx.steps.save(execution_id, steps)
    for step in steps:
        if step.status is not StepStatus.RUNNING:
            tx.wake(topic_of_output(execution_id, step.index))
    tx.wake(topic_of_steps(execution_id))


def finish_execution(
    tx: Tx,
    lease: Lease,
    execution: Execution | None,
    result: Result,
    at: Micros,
    *,
    just_begun: bool = False,
) -> None:
    """End an execution, as it is now, for the runner that has it.  The same again is a no-op.

    One that failed by no fault of its job, before a step of it began, is queued once more.  One
    that has `just_begun` is running here, and still claimed in the database.
    """
    if result.status not in EXECUTION_ENDED:
        raise Invalid(f"{result.status} is no end of an execution")
    if (
        execution is None
        or execution.runner_id != lease.runner_id
        or execution.fence != lease.fence
        or execution.status is ExecutionStatus.QUEUED
    ):
        raise LeaseLost("this execution is not yours, or no longer")
    if execution.status in EXECUTION_ENDED:
        if execution.status is result.status:
            return
        raise LeaseLost(f"this execution has ended: {execution.status}")
    if result.samples:
        tx.executions.measured(execution.id, result.samples[:MOST_SAMPLES])
    ours = result.status is ExecutionStatus.INFRASTRUCTURE_FAIL
    if not (ours and _tried_again(tx, execution, at)):
        end_execution(tx, execution, result, at, just_begun=just_begun)


def end_execution(
    tx: Tx, execution: Execution, result: Result, at: Micros, *, just_begun: bool = False
) -> None:
    """End an execution, its job if it was the last node, and advance the workflow."""
    ended = replace(execution, status=result.status, stopped_at=at)
    tx.executions.save(ended, ExecutionStatus.CLAIMED if just_begun else execution.status)
    _close_steps(tx, ended, at)
    job = tx.jobs.get(execution.job_id)
    if job is None:
        return
    status = merged(_nodes_of(tx, job, ended))
    begins = just_begun and job.status is JobStatus.NOT_RUNNING
    if status is None:
        if begins:
            tx.jobs.begin(job.id, at)
            job = replace(job, status=JobStatus.RUNNING)
        if result.message is not None and job.message is None:
            tx.jobs.save(replace(job, message=result.message), job.status)
        return
    after = replace(
        job,
        status=status,
        started_at=job.started_at or (at if begins else None),
        stopped_at=at,
        message=job.message or result.message,
    )
    tx.jobs.save(after, job.status)
    announce_job(tx, after, at)
    advance_after(tx, after, at)


def _nodes_of(tx: Tx, job: Job, ended: Execution) -> list[ExecutionStatus]:
    """Return where the nodes of a job stand, one of which has ended now."""
    if job.parallelism == 1:
        return [ended.status]
    return [node.status for node in tx.executions.of_job(job.id)]


def _close_steps(tx: Tx, execution: Execution, at: Micros) -> None:
    steps = tx.steps.outlines(execution.id)
    if any(step.running for step in steps):
        tx.steps.close(execution.id, _STEP_ENDS[execution.status], at)
    for step in steps:
        tx.wake(topic_of_output(execution.id, step.index))
    tx.wake(topic_of_execution(execution.id))
    tx.wake(topic_of_steps(execution.id))
    if any(step.unsealed >= SEAL_FROM_BYTES for step in steps):
        tx.timers.add(
            Timer(
                id=TimerId(new_id()),
                kind=TimerKind.SEAL_LOGS,
                subject=execution.id,
                run_at=Micros(at + SEAL_AFTER),
            )
        )


def lapse(tx: Tx, execution: Execution, at: Micros) -> None:
    """Deal with an execution whose lease ran out or whose deadline is over."""
    if execution.canceling:
        end_execution(tx, execution, Result(status=ExecutionStatus.CANCELED), at)
        return
    if execution.lease_until is not None and execution.lease_until >= at:
        if execution.deadline is None or execution.deadline + DEADLINE_GRACE >= at:
            return
        message = "The job took longer than it may, and its runner did not end it."
        end_execution(tx, execution, Result(status=ExecutionStatus.TIMEDOUT, message=message), at)
        return
    message = "The runner that had this job was lost: it has not been heard of for a minute."
    lose(tx, execution, message, at)


def lose(tx: Tx, execution: Execution, message: str, at: Micros) -> None:
    """Take an execution from a runner that is gone: tried once more if no step had begun."""
    if execution.canceling:
        end_execution(tx, execution, Result(status=ExecutionStatus.CANCELED), at)
        return
    if _tried_again(tx, execution, at):
        return
    lost = Result(status=ExecutionStatus.INFRASTRUCTURE_FAIL, message=message)
    end_execution(tx, execution, lost, at)


def _a_step_began(tx: Tx, execution_id: ExecutionId) -> bool:
    """Tell whether a step of the config has begun."""
    return any(step.report.kind not in IMPLICIT_KINDS for step in tx.steps.progress(execution_id))


def _tried_again(tx: Tx, execution: Execution, at: Micros) -> bool:
    """Queue an execution once more if nothing of its job has happened yet."""
    job = tx.jobs.get(execution.job_id)
    once_already = execution.attempt > 1 or _a_step_began(tx, execution.id)
    if job is None or once_already or execution.canceling:
        return False
    lost = replace(execution, status=ExecutionStatus.INFRASTRUCTURE_FAIL, stopped_at=at)
    tx.executions.save(lost, execution.status)
    tx.steps.close(execution.id, StepStatus.INFRASTRUCTURE_FAIL, at)
    again = Execution(
        id=ExecutionId(new_id()),
        job_id=job.id,
        node=execution.node,
        attempt=execution.attempt + 1,
        status=ExecutionStatus.QUEUED,
        resource_class=execution.resource_class,
        lane=execution.lane,
        created_at=at,
    )
    tx.executions.add([again])
    tx.wake(topic_of_execution(execution.id))
    _waits_again(tx, job)
    return True


def put_back(tx: Tx, execution: Execution) -> None:
    """Queue an execution again that was claimed for a runner which never heard of it."""
    if execution.status is not ExecutionStatus.CLAIMED:
        return
    again = replace(
        execution,
        status=ExecutionStatus.QUEUED,
        runner_id=None,
        lease_until=None,
        deadline=None,
    )
    tx.executions.save(again, ExecutionStatus.CLAIMED)
    job = tx.jobs.get(execution.job_id)
    if job is not None:
        _waits_again(tx, job)


def _waits_again(tx: Tx, job: Job) -> None:
    """Let a job be queued again if none of its nodes is under way any more."""
    nodes = {node.status for node in tx.executions.of_job(job.id)}
    if job.status in (JobStatus.NOT_RUNNING, JobStatus.RUNNING) and nodes <= {
        ExecutionStatus.QUEUED
    }:
        tx.jobs.save(replace(job, status=JobStatus.QUEUED, started_at=None), job.status)
    tx.wake(CLAIMS)
