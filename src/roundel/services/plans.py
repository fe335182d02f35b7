"""Plans as stored: JSON documents, of which a use case decodes only what it needs."""

from functools import lru_cache

import msgspec

from roundel.domain.plan import ExecutorKind, JobPlan, JobType, Json, Plan, WorkflowPlan


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


class _Bodies(msgspec.Struct):
    jobs: dict[str, msgspec.Raw]


_head = msgspec.json.Decoder(PlanHead)
_bodies = msgspec.json.Decoder(_Bodies)
_job = msgspec.json.Decoder(JobPlan)


def encode_plan(plan: Plan) -> str:
    """Return the document to store."""
    return msgspec.json.encode(plan).decode()


def read_head(document: str) -> PlanHead:
    """Return what is needed to make workflows and their jobs."""
    return _head.decode(document)


def read_job(document: str, key: str) -> JobPlan:
    """Return one job's body; the others are found, not decoded."""
    return _job.decode(_split(document)[key])


# A workflow's jobs are claimed one after another from one document: keep the few in use split.
@lru_cache(maxsize=8)
def _split(document: str) -> dict[str, msgspec.Raw]:
    return _bodies.decode(document).jobs
