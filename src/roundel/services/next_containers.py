"""Which containers come next: what the jobs that wait only for this one would run in."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, repeat

from roundel.domain.flows import Flow, Start, advance
from roundel.domain.jobs import Execution, Job, JobStatus, lane_of
from roundel.domain.plan import ExecutorKind, JobType
from roundel.domain.runners import NextContainer
from roundel.domain.workflows import Workflow, WorkflowSlot
from roundel.services.plans import JobPlace, plan_of, read_place
from roundel.services.work import Tx

_LOOKED_AT = 8  # of those that require a job: a hint must not cost what an ending does
_NEEDS = 8
_REMOTE_DOCKER = "setup_remote_docker"


def next_containers(
    tx: Tx, execution: Execution, job: Job, limit: int
) -> tuple[NextContainer, ...]:
    """Return the containers of jobs that start once `job` has succeeded, `limit` at most.

    Only those that the same runners take, that wait for no turn, and that run in one container with
    nothing of their own in it.  It is a hint: what else happens may keep any of them from running.
    """
    workflow = tx.workflows.get(job.workflow_id)
    pipeline = None if workflow is None else tx.pipelines.get(workflow.pipeline_id)
    digest = None if pipeline is None or workflow is None else plan_of(pipeline, workflow)
    if workflow is None or digest is None:
        return ()

    def containers() -> Iterator[NextContainer]:
        for slot in _due_after(tx, workflow, job):
            other = None if slot.job_id is None else tx.jobs.get(slot.job_id)
            if other is None or other.plan_key is None or other.status is not JobStatus.BLOCKED:
                continue
            if lane_of(other.resource_class, other.executor) != execution.lane:
                continue
            place = read_place(tx.documents, digest, other.plan_key)
            container = None if place is None else _only_container(place)
            if container is not None:
                yield from repeat(container, other.parallelism)

    return tuple(islice(containers(), max(0, limit)))


def _due_after(tx: Tx, workflow: Workflow, job: Job) -> list[WorkflowSlot]:
    """Return the invocations that start at once when `job` succeeds, as things stand."""
    layout = tx.workflows.layout(workflow.id)
    own = layout.by_job.get(job.id)
    if own is None or workflow.canceled_by is not None:
        return []
    after = [layout.slots[name] for name in layout.followers.get(own.name, ())[:_LOOKED_AT]]
    blocked = {
        slot.name: replace(slot, status=JobStatus.BLOCKED)
        for slot in after
        if slot.type is JobType.BUILD
        and slot.job_id is not None
        and slot.serial_group is None
        and slot.name not in layout.kept
        and len(slot.requires) <= _NEEDS
    }
    needs = {need.job for slot in blocked.values() for need in slot.requires} - {own.name}
    others = {name: layout.slots[name] for name in needs - blocked.keys() if name in layout.slots}
    there = [slot.job_id for slot in others.values() if slot.job_id is not None]
    status = tx.workflows.standing(there) if there else {}
    flow = Flow(
        slots=[
            replace(own, status=JobStatus.SUCCESS),
            *(
                replace(slot, status=None if slot.job_id is None else status.get(slot.job_id))
                for slot in others.values()
            ),
            *blocked.values(),
        ],
        judged=blocked,
    )
    return [blocked[due.job] for due in advance(flow) if isinstance(due, Start)]


def _only_container(place: JobPlace) -> NextContainer | None:
    """Return the container of a job that has one and puts nothing of its own into it."""
    if place.executor.kind is not ExecutorKind.DOCKER or len(place.executor.images) != 1:
        return None
    (image,) = place.executor.images
    own = (image.name, image.entrypoint, image.command, image.auth, image.environment or None)
    if any(each is not None for each in own):
        return None
    if any(step.kind == _REMOTE_DOCKER for step in place.steps):
        return None
    return NextContainer(image=image.image, user=image.user, resource_class=place.resource_class)
