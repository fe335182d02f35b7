"""From a stored plan to workflows, slots and jobs, in one transaction."""

from roundel.domain.clock import Micros
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import JobId, WorkflowId, new_id
from roundel.domain.jobs import Job, JobStatus
from roundel.domain.pipelines import Pipeline, PipelineState
from roundel.domain.plan import ExecutorKind, JobType, SlotPlan, WorkflowPlan
from roundel.domain.workflows import SETUP_TAG, Workflow, WorkflowSlot
from roundel.services.advancing import advance_workflow
from roundel.services.plans import ExecutorHead, JobHead, PlanHead
from roundel.services.redundancy import may_be_redundant
from roundel.services.repeating import workflow_expiry
from roundel.services.work import Tx

_APPROVAL = JobHead(executor=ExecutorHead(kind=ExecutorKind.NONE), type=JobType.APPROVAL)


def create_workflows(
    tx: Tx, pipeline: Pipeline, head: PlanHead, at: Micros, *, stored: str | None = None
) -> None:
    """Create all workflows of the plan that have something to run, and start them.

    The plan is stored under the hash `stored`; without one, it is the pipeline's.

    Those with a schedule of their own wait for it; those whose jobs are all filtered out are not
    there at all.
    """
    auto_cancel = may_be_redundant(tx, pipeline)
    for position, plan in enumerate(head.workflows):
        if not _wanted(pipeline, plan):
            continue
        # A microsecond apart, so that lists by time have the order of the config.
        created_at = Micros(at + position)
        workflow = _workflow(pipeline, plan, auto_cancel, created_at, stored or pipeline.plan)
        tx.workflows.add(workflow)
        tx.timers.add(workflow_expiry(workflow))
        jobs = {
            slot.name: _job(workflow, slot, head, created_at)
            for slot in plan.slots
            if slot.excluded is None
        }
        tx.jobs.add(list(jobs.values()))
        tx.workflows.add_slots(
            [
                _slot(workflow, slot, position, jobs.get(slot.name))
                for position, slot in enumerate(plan.slots)
            ]
        )
        advance_workflow(tx, workflow.id, at)


def _wanted(pipeline: Pipeline, plan: WorkflowPlan) -> bool:
    if all(slot.excluded is not None for slot in plan.slots):
        return False
    if pipeline.scheduled_workflow is not None:
        return plan.name == pipeline.scheduled_workflow and bool(plan.schedules)
    return not plan.schedules


def _workflow(
    pipeline: Pipeline, plan: WorkflowPlan, auto_cancel: bool, at: Micros, stored: str | None
) -> Workflow:
    id_ = WorkflowId(new_id())
    return Workflow(
        id=id_,
        pipeline_id=pipeline.id,
        project_id=pipeline.project_id,
        name=plan.name,
        status=WorkflowStatus.RUNNING,
        started_by=pipeline.trigger.actor_id,
        workspace_id=id_,
        tag=SETUP_TAG if pipeline.state is PipelineState.SETUP else None,
        max_auto_reruns=plan.max_auto_reruns,
        auto_cancel=auto_cancel,
        plan=stored,
        created_at=at,
    )


def _slot(workflow: Workflow, plan: SlotPlan, position: int, job: Job | None) -> WorkflowSlot:
    return WorkflowSlot(
        workflow_id=workflow.id,
        position=position,
        name=plan.name,
        type=plan.type,
        requires=plan.requires,
        contexts=plan.contexts,
        serial_group=plan.serial_group,
        job_group=plan.job_group,
        excluded=plan.excluded,
        job_id=None if job is None else job.id,
        status=None if job is None else job.status,
    )


def _job(workflow: Workflow, plan: SlotPlan, head: PlanHead, at: Micros) -> Job:
    body = _APPROVAL if plan.job is None else head.jobs[plan.job]
    return Job(
        id=JobId(new_id()),
        project_id=workflow.project_id,
        workflow_id=workflow.id,
        name=plan.name,
        type=plan.type,
        status=JobStatus.BLOCKED,
        plan_key=plan.job,
        parallelism=body.parallelism,
        resource_class=body.resource_class,
        executor=body.executor.kind.value,
        created_at=at,
    )
