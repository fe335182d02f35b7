"""Plans as stored: JSON documents, of which a use case decodes only what it needs."""

import msgspec

from roundel.domain.pipelines import Documents, Pipeline
from roundel.domain.plan import (
    ExecutorKind,
    ExecutorPlan,
    JobPlan,
    JobType,
    Json,
    Plan,
    WorkflowPlan,
)
from roundel.domain.workflows import SETUP_TAG, Workflow


class ExecutorHead(msgspec.Struct):
    """What rows need of an executor."""

    kind: ExecutorKind


class JobHead(msgspec.Struct):
    """What rows need of a job; its steps are skipped over."""

    executor: ExecutorHead
    type: JobType = JobType.BUILD
    parallelism: int = 1
    resource_class: str | None = None


class PlanHead(msgspec.Struct):
    """What is needed to make workflows and their jobs."""

    workflows: tuple[WorkflowPlan, ...]
    jobs: dict[str, JobHead]
    parameters: dict[str, Json]
    setup: bool = False


class StepKind(msgspec.Struct):
    """A step's kind alone."""

    kind: str


class JobPlace(msgspec.Struct):
    """Where a job runs, and nothing of what it does there."""

    executor: ExecutorPlan
    steps: tuple[StepKind, ...] = ()
    resource_class: str | None = None


class _Bodies(msgspec.Struct):
    jobs: dict[str, msgspec.Raw]


_head = msgspec.json.Decoder(PlanHead)
_bodies = msgspec.json.Decoder(_Bodies)
_job = msgspec.json.Decoder(JobPlan)
_place = msgspec.json.Decoder(JobPlace)


# A workflow's jobs are claimed one after another from one document, which its hash names for ever:
# the few that are in use are kept split.
_kept: dict[str, dict[str, msgspec.Raw]] = {}
_MOST_KEPT = 8


def encode_plan(plan: Plan) -> str:
    """Return the document to store."""
    return msgspec.json.encode(plan).decode()


def plan_of(pipeline: Pipeline, workflow: Workflow) -> str | None:
    """Return the hash of the plan that a workflow came from: a pipeline may have several."""
    if workflow.plan is not None:
        return workflow.plan
    return pipeline.setup_plan if workflow.tag == SETUP_TAG else pipeline.plan


def read_head(document: str) -> PlanHead:
    """Return what is needed to make workflows and their jobs."""
    return _head.decode(document)


def read_job(documents: Documents, digest: str, key: str) -> JobPlan | None:
    """Return one job's body; the others are found, not decoded.  None if it is not there."""
    body = _body(documents, digest, key)
    return None if body is None else _job.decode(body)


def read_place(documents: Documents, digest: str, key: str) -> JobPlace | None:
    """Return where one job runs; None if it is not there."""
    body = _body(documents, digest, key)
    return None if body is None else _place.decode(body)


def _body(documents: Documents, digest: str, key: str) -> msgspec.Raw | None:
    bodies = _kept.get(digest)
    if bodies is None:
        document = documents.get(digest)
        if document is None:
            return None
        bodies = _bodies.decode(document).jobs
        _kept[digest] = bodies
        while len(_kept) > _MOST_KEPT:
            _kept.pop(next(iter(_kept)), None)
    return bodies.get(key)
