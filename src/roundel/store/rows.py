"""Table rows to domain values and back: one pair per noun, used by repositories and queries."""

from functools import lru_cache
from typing import Any

import msgspec

from roundel.domain.clock import Micros
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import (
    ExecutionId,
    JobId,
    PersonId,
    PipelineId,
    ProjectId,
    RunnerId,
    WorkflowId,
)
from roundel.domain.jobs import Execution, ExecutionStatus, Job, JobStatus
from roundel.domain.pipelines import (
    Commit,
    Launch,
    Origin,
    Pipeline,
    PipelineError,
    PipelineState,
    Ref,
    Trigger,
    TriggerType,
)
from roundel.domain.plan import JobType, Requirement
from roundel.domain.runners import StepReport, StepStatus
from roundel.domain.workflows import Workflow
from roundel.store.dialect import Row

_commit = msgspec.json.Decoder(Commit)
_origin = msgspec.json.Decoder(Origin)
_launch = msgspec.json.Decoder(Launch)
_errors = msgspec.json.Decoder(tuple[PipelineError, ...])
_requirements = msgspec.json.Decoder(tuple[Requirement, ...])
_names = msgspec.json.Decoder(tuple[str, ...])


def json_text(value: Any) -> str:
    """Return `value` as JSON text."""
    return msgspec.json.encode(value).decode()


@lru_cache
def columns(names: str, table: str) -> str:
    """Return `names` for a SELECT, each with its table in front."""
    return ", ".join(f"{table}.{name.strip()}" for name in names.split(","))


@lru_cache
def values_of(names: str) -> str:
    """Return `:name, …` for the VALUES of an INSERT."""
    return ", ".join(f":{name.strip()}" for name in names.split(","))


PIPELINE = (
    "id, project_id, number, state, trigger_type, received_at, actor_id, actor_login, "
    "actor_avatar_url, branch, tag, revision, commit_facts, parameters, errors, source, "
    "compiled, plan, created_at, updated_at, setup_source, setup_compiled, setup_plan, "
    "scheduled_workflow, schedule_id, schedule_name, origin, launch"
)
PIPELINE_WIDTH = 28


def pipeline_of(row: Row) -> Pipeline:
    """Read a pipeline."""
    commit: Commit | None = None
    if row[12] is not None:
        commit = _commit.decode(row[12])
    return Pipeline(
        id=PipelineId(row[0]),
        project_id=ProjectId(row[1]),
        number=row[2],
        state=PipelineState(row[3]),
        trigger=Trigger(
            type=TriggerType(row[4]),
            received_at=Micros(row[5]),
            actor_id=None if row[6] is None else PersonId(row[6]),
            actor_login=row[7],
            actor_avatar_url=row[8],
        ),
        ref=Ref(branch=row[9], tag=row[10]),
        commit=commit,
        parameters={} if row[13] == "{}" else msgspec.json.decode(row[13]),
        errors=() if row[14] == "[]" else _errors.decode(row[14]),
        source=row[15],
        compiled=row[16],
        plan=row[17],
        created_at=Micros(row[18]),
        updated_at=Micros(row[19]),
        setup_source=row[20],
        setup_compiled=row[21],
        setup_plan=row[22],
        scheduled_workflow=row[23],
        schedule_id=row[24],
        schedule_name=row[25],
        origin=None if row[26] is None else _origin.decode(row[26]),
        launch=None if row[27] is None else _launch.decode(row[27]),
    )


def pipeline_row(pipeline: Pipeline) -> dict[str, object]:
    """Write a pipeline."""
    trigger, commit = pipeline.trigger, pipeline.commit
    return {
        "id": pipeline.id,
        "project_id": pipeline.project_id,
        "number": pipeline.number,
        "state": pipeline.state.value,
        "trigger_type": trigger.type.value,
        "received_at": trigger.received_at,
        "actor_id": trigger.actor_id,
        "actor_login": trigger.actor_login,
        "actor_avatar_url": trigger.actor_avatar_url,
        "branch": pipeline.ref.branch,
        "tag": pipeline.ref.tag,
        "revision": None if commit is None else commit.revision,
        "commit_facts": None if commit is None else json_text(commit),
        "parameters": json_text(pipeline.parameters),
        "errors": json_text(pipeline.errors),
        "source": pipeline.source,
        "compiled": pipeline.compiled,
        "plan": pipeline.plan,
        "created_at": pipeline.created_at,
        "updated_at": pipeline.updated_at,
        "setup_source": pipeline.setup_source,
        "setup_compiled": pipeline.setup_compiled,
        "setup_plan": pipeline.setup_plan,
        "scheduled_workflow": pipeline.scheduled_workflow,
        "schedule_id": pipeline.schedule_id,
        "schedule_name": pipeline.schedule_name,
        "origin": None if pipeline.origin is None else json_text(pipeline.origin),
        "launch": None if pipeline.launch is None else json_text(pipeline.launch),
    }


WORKFLOW = (
    "id, pipeline_id, project_id, name, status, started_by, workspace_id, rerun_of, tag, "
    "canceled_by, created_at, stopped_at, auto_rerun_number, max_auto_reruns, auto_cancel, plan"
)
WORKFLOW_WIDTH = 16


def workflow_of(row: Row) -> Workflow:
    """Read a workflow."""
    return Workflow(
        id=WorkflowId(row[0]),
        pipeline_id=PipelineId(row[1]),
        project_id=ProjectId(row[2]),
        name=row[3],
        status=WorkflowStatus(row[4]),
        started_by=row[5],
        workspace_id=WorkflowId(row[6]),
        rerun_of=row[7],
        tag=row[8],
        canceled_by=row[9],
        created_at=Micros(row[10]),
        stopped_at=row[11],
        auto_rerun_number=row[12],
        max_auto_reruns=row[13],
        auto_cancel=bool(row[14]),
        plan=row[15],
    )


def workflow_row(workflow: Workflow) -> dict[str, object]:
    """Write a workflow."""
    return {
        "id": workflow.id,
        "pipeline_id": workflow.pipeline_id,
        "project_id": workflow.project_id,
        "name": workflow.name,
        "status": workflow.status.value,
        "started_by": workflow.started_by,
        "workspace_id": workflow.workspace_id,
        "rerun_of": workflow.rerun_of,
        "tag": workflow.tag,
        "canceled_by": workflow.canceled_by,
        "created_at": workflow.created_at,
        "stopped_at": workflow.stopped_at,
        "auto_rerun_number": workflow.auto_rerun_number,
        "max_auto_reruns": workflow.max_auto_reruns,
        "auto_cancel": int(workflow.auto_cancel),
        "plan": workflow.plan,
    }


JOB = (
    "id, project_id, workflow_id, name, type, status, plan_key, number, parallelism, "
    "resource_class, executor, approved_by, canceled_by, message, created_at, queued_at, "
    "started_at, stopped_at"
)
JOB_WIDTH = 18


def job_of(row: Row) -> Job:
    """Read a job."""
    return Job(
        id=JobId(row[0]),
        project_id=ProjectId(row[1]),
        workflow_id=WorkflowId(row[2]),
        name=row[3],
        type=JobType(row[4]),
        status=JobStatus(row[5]),
        plan_key=row[6],
        number=row[7],
        parallelism=row[8],
        resource_class=row[9],
        executor=row[10],
        approved_by=row[11],
        canceled_by=row[12],
        message=row[13],
        created_at=Micros(row[14]),
        queued_at=row[15],
        started_at=row[16],
        stopped_at=row[17],
    )


def job_row(job: Job) -> dict[str, object]:
    """Write a job."""
    return {
        "id": job.id,
        "project_id": job.project_id,
        "workflow_id": job.workflow_id,
        "name": job.name,
        "type": job.type.value,
        "status": job.status.value,
        "plan_key": job.plan_key,
        "number": job.number,
        "parallelism": job.parallelism,
        "resource_class": job.resource_class,
        "executor": job.executor,
        "approved_by": job.approved_by,
        "canceled_by": job.canceled_by,
        "message": job.message,
        "created_at": job.created_at,
        "queued_at": job.queued_at,
        "started_at": job.started_at,
        "stopped_at": job.stopped_at,
    }


EXECUTION = (
    "id, job_id, node, attempt, status, resource_class, runner_id, fence, lease_until, deadline, "
    "canceling, created_at, started_at, stopped_at, lane"
)


def execution_of(row: Row) -> Execution:
    """Read an execution."""
    return Execution(
        id=ExecutionId(row[0]),
        job_id=JobId(row[1]),
        node=row[2],
        attempt=row[3],
        status=ExecutionStatus(row[4]),
        resource_class=row[5],
        runner_id=None if row[6] is None else RunnerId(row[6]),
        fence=row[7],
        lease_until=row[8],
        deadline=row[9],
        canceling=bool(row[10]),
        created_at=Micros(row[11]),
        started_at=row[12],
        stopped_at=row[13],
        lane=row[14],
    )


STEP = "position, name, kind, status, command, background, exit_code, message, started_at, ended_at"
STEP_WIDTH = 10


def step_of(row: Row) -> StepReport:
    """Read a step."""
    return StepReport(
        index=row[0],
        name=row[1],
        kind=row[2],
        status=StepStatus(row[3]),
        command=row[4],
        background=bool(row[5]),
        exit_code=row[6],
        message=row[7],
        started_at=Micros(row[8]),
        ended_at=row[9],
    )


# The slots of a workflow are read at each of its jobs' ends, and never change.
@lru_cache(maxsize=4096)
def requirements_of(text: str) -> tuple[Requirement, ...]:
    """Read the requirements of a slot."""
    return () if text == "[]" else _requirements.decode(text)


def names_of(text: str) -> tuple[str, ...]:
    """Read a list of names."""
    return () if text == "[]" else _names.decode(text)
