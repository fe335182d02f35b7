"""Jobs: details and cancel."""

from roundel.api.operations import AnyOperation, Call, Operation
from roundel.api.schemas.common import Message
from roundel.api.schemas.jobs import JobShown, job_shown
from roundel.api.subjects import JOB, JOB_BY_ID
from roundel.domain.access import Need
from roundel.domain.errors import NotFound
from roundel.domain.ids import JobId
from roundel.domain.plan import JobType
from roundel.domain.views import JobView

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


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/project/{project-slug}/job/{job-number}",
        id="getJobDetails",
        summary="Get job details",
        tag="Job",
        need=Need.READ,
        subject=JOB,
        handler=show,
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
