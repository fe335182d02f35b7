"""Job details on the wire."""

import msgspec
from msgspec import UNSET, UnsetType

from roundel.api.schemas.common import Time, Uuid, job_page, millis, millis_or_none
from roundel.api.schemas.workflows import JobState
from roundel.domain.clock import MILLISECOND, Micros
from roundel.domain.jobs import ENDED, ExecutionStatus, Job
from roundel.domain.views import JobView

DEFAULT_CLASS = "medium"


class JobProject(msgspec.Struct):
    id: Uuid
    slug: str
    name: str
    external_url: str


class ParallelRun(msgspec.Struct):
    index: int
    status: str


class Named(msgspec.Struct):
    name: str


class JobWorkflow(msgspec.Struct):
    id: Uuid
    name: str


class JobPipeline(msgspec.Struct):
    id: Uuid


class Executor(msgspec.Struct):
    resource_class: str
    type: str | UnsetType = UNSET


class JobMessage(msgspec.Struct):
    type: str
    message: str
    reason: str | UnsetType = UNSET


class JobShown(msgspec.Struct):
    number: int
    name: str
    status: JobState
    created_at: Time
    queued_at: Time
    started_at: Time | None
    stopped_at: Time | None
    duration: int | None  # milliseconds
    executor: Executor
    parallelism: int
    parallel_runs: list[ParallelRun]
    messages: list[JobMessage]
    contexts: list[Named]
    organization: Named
    project: JobProject
    pipeline: JobPipeline
    latest_workflow: JobWorkflow
    web_url: str


def job_shown(
    view: JobView, number: int, origin: str, now: Micros, waits: str | None = None
) -> JobShown:
    """Return a job as the API shows it; `waits` says why nobody runs it."""
    job, project, workflow, pipeline = view.job, view.project, view.workflow, view.pipeline
    return JobShown(
        number=number,
        name=job.name,
        status=job.status.value,
        created_at=millis(job.created_at),
        queued_at=millis(job.queued_at if job.queued_at is not None else job.created_at),
        started_at=millis_or_none(job.started_at),
        stopped_at=millis_or_none(job.stopped_at),
        duration=duration(job, now),
        executor=Executor(job.resource_class or DEFAULT_CLASS, job.executor),
        parallelism=job.parallelism,
        parallel_runs=[ParallelRun(node.node, run_status(node.status)) for node in view.nodes],
        messages=[
            JobMessage(kind, text)
            for kind, text in (("error", job.message), ("warning", waits))
            if text is not None
        ],
        contexts=[Named(name) for name in view.contexts],
        organization=Named(project.organization.name),
        project=JobProject(project.id, str(project.slug), project.name, project.repository_url),
        pipeline=JobPipeline(pipeline.id),
        latest_workflow=JobWorkflow(workflow.id, workflow.name),
        web_url=job_page(origin, project.slug, pipeline.number, workflow.id, number),
    )


def duration(job: Job, now: Micros) -> int | None:
    """Return how long the job ran or has been running, in milliseconds; None before it began."""
    if job.started_at is None:
        return None
    if job.stopped_at is None and job.status in ENDED:
        return None
    until = job.stopped_at if job.stopped_at is not None else now
    return max(0, until - job.started_at) // MILLISECOND


def run_status(status: ExecutionStatus) -> str:
    """Return an execution's status in the words of jobs: a claimed one is `not_running`."""
    return "not_running" if status is ExecutionStatus.CLAIMED else status.value
