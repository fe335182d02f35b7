"""Workflows: details, jobs, cancel, approve."""

from roundel.api.operations import PAGE_TOKEN, AnyOperation, Call, Operation
from roundel.api.paging import read_token
from roundel.api.schemas.common import ACCEPTED, Message, Page
from roundel.api.schemas.workflows import (
    Rerun,
    RerunBody,
    WorkflowJob,
    WorkflowShown,
    workflow_jobs,
    workflow_shown,
)
from roundel.api.subjects import WORKFLOW
from roundel.domain.access import Need
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.ids import JobId, is_uuid
from roundel.domain.reruns import Choice
from roundel.domain.views import WorkflowView


async def show(call: Call[WorkflowView, None]) -> WorkflowShown:
    return workflow_shown(call.subject)


async def jobs(call: Call[WorkflowView, None]) -> Page[WorkflowJob]:
    """All jobs come in one page: a config's size bounds their number."""
    read_token("jobs", call.query.get("page-token"))
    slots = await call.app.reads.slots(call.subject.workflow.id)
    return Page(workflow_jobs(slots, call.subject.project_slug), None)


async def cancel(call: Call[WorkflowView, None]) -> Message:
    await call.door.use_cases.cancel_workflow(call.subject.workflow.id, call.actor)
    return ACCEPTED


async def approve(call: Call[WorkflowView, None]) -> Message:
    approval = call.path["approval_request_id"]
    if not is_uuid(approval):
        raise NotFound("Approval request not found")
    await call.door.use_cases.approve_job(
        call.subject.workflow.id, JobId(approval.lower()), call.actor
    )
    return ACCEPTED


async def rerun(call: Call[WorkflowView, RerunBody]) -> Rerun:
    body = call.body
    jobs = body.jobs or []
    for job in jobs:
        if not is_uuid(job):
            raise Invalid(f"jobs: expected ids of jobs, got {job[:80]!r}")
    choice = Choice(
        from_failed=bool(body.from_failed),
        jobs=tuple(JobId(job.lower()) for job in jobs),
        sparse_tree=bool(body.sparse_tree),
        failed_tests=bool(body.rerun_failed_tests),
    )
    again = await call.door.use_cases.rerun_workflow(
        call.subject.workflow.id, choice, bool(body.enable_ssh), call.actor
    )
    return Rerun(again)


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/workflow/{id}",
        id="getWorkflowById",
        steady=True,
        summary="Get a workflow",
        tag="Workflow",
        need=Need.READ,
        subject=WORKFLOW,
        handler=show,
        answer=WorkflowShown,
    ),
    Operation(
        method="GET",
        path="/workflow/{id}/job",
        id="listWorkflowJobs",
        steady=True,
        summary="Get a workflow's jobs",
        tag="Workflow",
        need=Need.READ,
        subject=WORKFLOW,
        handler=jobs,
        answer=Page[WorkflowJob],
        query=(PAGE_TOKEN,),
    ),
    Operation(
        method="POST",
        path="/workflow/{id}/rerun",
        id="rerunWorkflow",
        summary="Rerun a workflow",
        tag="Workflow",
        need=Need.WRITE,
        subject=WORKFLOW,
        handler=rerun,
        body=RerunBody,
        body_optional=True,
        answer=Rerun,
        status=202,
    ),
    Operation(
        method="POST",
        path="/workflow/{id}/cancel",
        id="cancelWorkflow",
        summary="Cancel a workflow",
        tag="Workflow",
        need=Need.WRITE,
        subject=WORKFLOW,
        handler=cancel,
        answer=Message,
        status=202,
    ),
    Operation(
        method="POST",
        path="/workflow/{id}/approve/{approval_request_id}",
        id="approvePendingApprovalJobById",
        summary="Approve a job",
        tag="Workflow",
        need=Need.WRITE,
        subject=WORKFLOW,
        handler=approve,
        answer=Message,
        status=202,
    ),
]
