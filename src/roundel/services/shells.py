"""Shells in jobs that run: who may open one, and how the job's runner is called."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from roundel.domain.access import Actor, Need
from roundel.domain.errors import IllegalMove, LeaseLost, NotAllowed, NotFound
from roundel.domain.ids import ExecutionId, JobId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.records import dataclass
from roundel.domain.runners import Lease, Orders
from roundel.domain.shells import WindowSize
from roundel.services.claims import SLOW_POLL_SECONDS, holds, wait_for
from roundel.services.context_use import why_no_shell
from roundel.services.shell_desk import Meeting, ShellDesk
from roundel.services.work import App, Tx, topic_of_execution, topic_of_shells

CALL_AGAIN_SECONDS = 2.0  # a call may be lost, or its answer arrive at another server

NOT_HERE = "This server gives no shells: it was started without --shells."
NOT_YOURS = "Your role does not allow this: a shell takes the right to start jobs."
FORBIDDEN = "This project's settings allow no shells into its jobs (disable_ssh)."
NOT_RUNNING = "This job does not run now; a shell leads into a job that runs."
ENDED = "The job has ended."
NO_ANSWER = (
    "The job's runner has not called back within 15 s. It may be cut off, or older than this"
    " server. Look at its log and try again."
)
ELSEWHERE = (
    "The job's runner has not called back to this server within 15 s. Where several servers"
    " have one address, its call may have arrived at another: try again, or open the page at the"
    " server that the runner is connected to. It may also be cut off, or older than this server."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenShell:
    """Somebody wants a shell in one node of a job."""

    job: JobId
    node: int
    by: Actor
    size: WindowSize


@asynccontextmanager
async def open_shell(command: OpenShell, app: App) -> AsyncIterator[Meeting]:
    """Yield the line to a shell, which ends when the block is left.

    Refuse who may not have one (NotAllowed), and a job that does not run or whose runner does
    not come (IllegalMove).
    """
    desk = _desk(app)
    execution = await may_open_shell(command, app)
    with desk.waits(execution, command.size) as meeting:
        await _until_joined(meeting, execution, desk.dial_seconds, app)
        yield meeting


async def may_open_shell(command: OpenShell, app: App) -> ExecutionId:
    """Return the execution that somebody may have a shell in, or refuse."""
    return await app.database.write(lambda tx: _permitted(tx, command))


def _permitted(tx: Tx, command: OpenShell) -> ExecutionId:
    job = tx.jobs.get(command.job)
    workflow = None if job is None else tx.workflows.get(job.workflow_id)
    pipeline = None if workflow is None else tx.pipelines.get(workflow.pipeline_id)
    project = None if job is None else tx.projects.get_by_id(job.project_id)
    if job is None or workflow is None or pipeline is None or project is None:
        raise NotFound("Job not found")
    if not command.by.may(Need.WRITE, project.organization.id):
        raise NotAllowed(NOT_YOURS)
    if tx.settings.of_project(project.id).disable_ssh:
        raise NotAllowed(FORBIDDEN)
    named = tx.workflows.contexts_of(workflow.id, job.id)
    if why := why_no_shell(tx, named, pipeline, project, command.by.id):
        raise NotAllowed(f"You may not open a shell in this job: {why}.")
    for execution in tx.executions.of_job(job.id):
        if execution.node == command.node and execution.status is ExecutionStatus.RUNNING:
            return execution.id
    raise IllegalMove(NOT_RUNNING)


async def _until_joined(meeting: Meeting, execution: ExecutionId, seconds: float, app: App) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not meeting.joined.is_set():
                await app.database.write(lambda tx: tx.wake(topic_of_shells(execution)))
                await wait_for(meeting.joined, CALL_AGAIN_SECONDS)
    except TimeoutError:
        raise IllegalMove(NO_ANSWER if app.alone else ELSEWHERE) from None


async def called(lease: Lease, app: App) -> Orders:
    """Return once something is asked of an execution: to stop, or to let a person in."""
    desk, execution_id = _desk(app), lease.execution_id
    shells = topic_of_shells(execution_id)
    with (
        app.wakeups.listen(topic_of_execution(execution_id), shells) as woken,
        app.wakeups.listen(shells) as asked,  # at another server, whose desk is not ours
    ):
        while True:
            woken.clear()
            execution = await app.reads.execution(execution_id)
            if execution is None or execution.canceling or not holds(lease, execution):
                return Orders(cancel=True)
            if desk.awaited(execution_id) or asked.is_set():
                return Orders(shell_wanted=True)
            await wait_for(woken, SLOW_POLL_SECONDS)


@asynccontextmanager
async def dialled(lease: Lease, app: App) -> AsyncIterator[Meeting | None]:
    """Yield the line to who waits for a shell in an execution; None where nobody waits here."""
    execution = await app.reads.execution(lease.execution_id)
    if execution is None or not holds(lease, execution):
        raise LeaseLost("this execution is not yours, or no longer")
    meeting = None if app.shell_desk is None else app.shell_desk.take(lease.execution_id)
    try:
        yield meeting
    finally:
        if meeting is not None:
            await meeting.end("The job's runner has hung up.")


def _desk(app: App) -> ShellDesk:
    if app.shell_desk is None:
        raise NotFound(NOT_HERE)
    return app.shell_desk
