"""Jobs: details and cancel."""

from dataclasses import replace

from roundel.api.operations import AnyOperation, Call, Operation
from roundel.api.readers import ApiApp
from roundel.api.schemas.common import Message
from roundel.api.schemas.jobs import JobShown, job_shown
from roundel.api.schemas.resource_use import ResourceUseShown, node_use
from roundel.api.schemas.waiting import WhyShown, why_shown
from roundel.api.subjects import JOB, JOB_BY_ID
from roundel.domain.access import Need
from roundel.domain.clock import FOREVER
from roundel.domain.errors import NotFound
from roundel.domain.ids import JobId
from roundel.domain.plan import JobType
from roundel.domain.views import JobView
from roundel.domain.waiting import Cause

CANCELED = Message("Job canceled successfully.")


async def show(call: Call[JobView, None]) -> JobShown:
    job = call.subject.job
    if job.type is JobType.APPROVAL or job.number is None:
        raise NotFound("Job not found")  # approvals have a number, and no details
    waits = call.app.supply.why_waiting(job)
    return job_shown(call.subject, job.number, call.origin, call.app.clock.now(), waits)


async def cancel_by_number(call: Call[JobView, None]) -> Message:
    await call.door.use_cases.cancel_job(call.subject.job.id, call.actor)
    return CANCELED


async def cancel_by_id(call: Call[JobId, None]) -> Message:
    await call.door.use_cases.cancel_job(call.subject, call.actor)
    return CANCELED


async def why(call: Call[JobView, None]) -> WhyShown:
    return await _why(call.app, call.subject.job.id)


async def why_by_id(call: Call[JobId, None]) -> WhyShown:
    return await _why(call.app, call.subject)


async def resource_use(call: Call[JobView, None]) -> ResourceUseShown:
    nodes = call.subject.nodes
    found = await call.app.pages.resource_uses([node.execution_id for node in nodes])
    return ResourceUseShown([node_use(*it) for it in zip(nodes, found, strict=True)])


async def _why(app: ApiApp, job: JobId) -> WhyShown:
    waiting = await app.reads.why(job)
    if waiting is None:
        raise NotFound("Job not found")
    if waiting.idle_queue is not None:
        trouble = app.supply.trouble_with(waiting.idle_queue)
        if trouble is not None:
            waiting = replace(waiting, cause=Cause.RUNNER, sentence=f"It waits: {trouble}")
    return why_shown(waiting)


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/project/{project-slug}/job/{job-number}/why",
        id="whyJobWaitsByNumber",
        summary="What a job waits for",
        tag="Roundel",
        need=Need.READ,
        subject=JOB,
        handler=why,
        answer=WhyShown,
        extension=True,
    ),
    Operation(
        method="GET",
        path="/jobs/{job-id}/why",
        id="whyJobWaits",
        summary="What a job waits for, also one that has no number yet",
        tag="Roundel",
        need=Need.READ,
        subject=JOB_BY_ID,
        handler=why_by_id,
        answer=WhyShown,
        extension=True,
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/job/{job-number}/resource-use",
        id="getJobResourceUse",
        summary="What a job has used of processors and memory over time",
        tag="Roundel",
        need=Need.READ,
        subject=JOB,
        handler=resource_use,
        answer=ResourceUseShown,
        extension=True,
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/job/{job-number}",
        id="getJobDetails",
        summary="Get job details",
        tag="Job",
        need=Need.READ,
        subject=JOB,
        handler=show,
        steady_until=lambda shown, _now: None if shown.stopped_at is None else FOREVER,
        answer=JobShown,
    ),
    Operation(
        method="POST",
        path="/project/{project-slug}/job/{job-number}/cancel",
        id="cancelJobByJobNumber",
        summary="Cancel job by job number",
        tag="Job",
        need=Need.WRITE,
        subject=JOB,
        handler=cancel_by_number,
        answer=Message,
    ),
    Operation(
        method="POST",
        path="/jobs/{job-id}/cancel",
        id="cancelJobByJobID",
        summary="Cancel job by job ID",
        tag="Job",
        need=Need.WRITE,
        subject=JOB_BY_ID,
        handler=cancel_by_id,
        answer=Message,
    ),
]
