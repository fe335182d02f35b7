"""A pipeline's plan: what runs and what does not, why not, and with which values."""

from typing import Any

import msgspec

from roundel.api.operations import AnyOperation, Call, Operation
from roundel.api.schemas.common import Uuid
from roundel.api.subjects import PIPELINE
from roundel.api.v2.pipeline_values import Values, values
from roundel.domain.access import Need
from roundel.domain.errors import NotFound
from roundel.domain.plan import Dropped, JobType, Place, Requirement
from roundel.domain.views import PipelineView

NO_PLAN = "The pipeline has no plan: it is not compiled yet, or its config has errors."
BY_SCHEDULE = "It runs on its schedule only."
NOTHING_LEFT = "Filters leave none of its jobs."


class _Slot(msgspec.Struct):
    name: str
    type: JobType
    job: str | None
    requires: tuple[Requirement, ...] = ()
    contexts: tuple[str, ...] = ()
    excluded: str | None = None
    at: Place | None = None


class _Flow(msgspec.Struct):
    name: str
    slots: tuple[_Slot, ...]
    schedules: tuple[dict[str, Any], ...] = ()
    at: Place | None = None


class _Job(msgspec.Struct):
    parallelism: int = 1
    resource_class: str | None = None


class _Stored(msgspec.Struct):
    """The parts of a stored plan that are shown; steps are skipped over."""

    workflows: tuple[_Flow, ...]
    jobs: dict[str, _Job]
    parameters: dict[str, Any]
    dropped: tuple[Dropped, ...] = ()
    setup: bool = False


_stored = msgspec.json.Decoder(_Stored)


class PlannedJob(msgspec.Struct):
    """A job of a workflow; `reason` says why it does not run."""

    name: str
    type: str
    runs: bool
    reason: str | None
    requires: list[Requirement]
    contexts: list[str]
    parallelism: int
    resource_class: str | None
    at: Place | None


class PlannedWorkflow(msgspec.Struct):
    name: str
    runs: bool
    reason: str | None
    jobs: list[PlannedJob]
    at: Place | None


class PlanShown(msgspec.Struct):
    pipeline_id: Uuid
    setup: bool
    parameters: dict[str, Any]
    values: Values
    workflows: list[PlannedWorkflow]


async def plan(call: Call[PipelineView, None]) -> PlanShown:
    pipeline = call.subject.pipeline
    text = await call.app.pages.plan_text(pipeline.id)
    if text is None:
        raise NotFound(NO_PLAN)
    stored = _stored.decode(text)
    scheduled = pipeline.scheduled_workflow
    flows = [_workflow(flow, stored.jobs, scheduled) for flow in stored.workflows]
    dropped = [PlannedWorkflow(it.workflow, False, it.reason, [], it.at) for it in stored.dropped]
    return PlanShown(
        pipeline_id=pipeline.id,
        setup=stored.setup,
        parameters=stored.parameters,
        values=await values(call),
        workflows=[*flows, *dropped],
    )


def _workflow(flow: _Flow, bodies: dict[str, _Job], scheduled: str | None) -> PlannedWorkflow:
    reason = None
    if all(slot.excluded is not None for slot in flow.slots):
        reason = NOTHING_LEFT
    elif scheduled is not None and flow.name != scheduled:
        reason = f"This pipeline is that of the schedule of the workflow {scheduled!r}."
    elif flow.schedules and scheduled is None:
        reason = BY_SCHEDULE
    jobs = [_job(slot, bodies, reason) for slot in flow.slots]
    return PlannedWorkflow(flow.name, reason is None, reason, jobs, flow.at)


def _job(slot: _Slot, bodies: dict[str, _Job], why_not: str | None) -> PlannedJob:
    body = bodies.get(slot.job or "", _Job())
    reason = slot.excluded or why_not
    return PlannedJob(
        name=slot.name,
        type=slot.type.value,
        runs=reason is None,
        reason=reason,
        requires=list(slot.requires),
        contexts=list(slot.contexts),
        parallelism=body.parallelism,
        resource_class=body.resource_class,
        at=slot.at,
    )


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/pipeline/{pipeline-id}/plan",
        id="getPipelinePlan",
        summary="What of a pipeline runs and what does not, and why not",
        tag="Pipeline",
        need=Need.READ,
        subject=PIPELINE,
        handler=plan,
        answer=PlanShown,
        extension=True,
    ),
]
