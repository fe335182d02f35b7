"""Workflows and their jobs on the wire.  Times have whole seconds here, as clients parse them."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from roundel.api.schemas.common import NOBODY, Time, Uuid, seconds, seconds_or_none
from roundel.domain.ids import JobId
from roundel.domain.plan import JobType
from roundel.domain.projects import Slug
from roundel.domain.views import SlotView, WorkflowView

Status = Literal[
    "success",
    "running",
    "not_run",
    "failed",
    "error",
    "failing",
    "on_hold",
    "canceled",
    "unauthorized",
]
JobState = Literal[
    "success",
    "running",
    "not_run",
    "failed",
    "retried",
    "queued",
    "not_running",
    "infrastructure_fail",
    "timedout",
    "on_hold",
    "terminated-unknown",
    "blocked",
    "canceled",
    "unauthorized",
]


class WorkflowShown(msgspec.Struct):
    id: Uuid
    name: str
    status: Status
    created_at: Time
    stopped_at: Time | None
    pipeline_id: Uuid
    pipeline_number: int
    project_slug: str
    started_by: Uuid
    canceled_by: Uuid | UnsetType = UNSET
    tag: Literal["setup"] | UnsetType = UNSET
    auto_rerun_number: int | UnsetType = UNSET
    max_auto_reruns: int | UnsetType = UNSET


class RerunBody(msgspec.Struct):
    """What to run again: everything, or from what failed on, or certain jobs."""

    enable_ssh: bool | None = None
    from_failed: bool | None = None
    jobs: list[str] | None = None
    sparse_tree: bool | None = None
    rerun_failed_tests: bool | None = None  # ours: from what failed on, and only failed tests


class Rerun(msgspec.Struct):
    workflow_id: Uuid


class WorkflowJob(msgspec.Struct):
    id: Uuid
    name: str
    type: Literal["build", "approval", "no-op", "lock", "unlock", "release"]
    status: JobState
    project_slug: str
    dependencies: list[Uuid]
    requires: dict[str, list[str]]
    started_at: Time | None
    stopped_at: Time | None
    job_number: int | UnsetType = UNSET
    approval_request_id: Uuid | UnsetType = UNSET
    approved_by: Uuid | UnsetType = UNSET
    canceled_by: Uuid | UnsetType = UNSET


def workflow_shown(view: WorkflowView) -> WorkflowShown:
    workflow = view.workflow
    return WorkflowShown(
        workflow.id,
        workflow.name,
        workflow.status.value,
        seconds(workflow.created_at),
        seconds_or_none(workflow.stopped_at),
        workflow.pipeline_id,
        view.pipeline_number,
        str(view.project_slug),
        workflow.started_by or NOBODY,
        workflow.canceled_by or UNSET,
        "setup" if workflow.tag == "setup" else UNSET,
        workflow.auto_rerun_number or UNSET,
        workflow.max_auto_reruns or UNSET,
    )


def workflow_jobs(slots: Sequence[SlotView], slug: Slug) -> list[WorkflowJob]:
    """Return the jobs in the order of the config; requirements name jobs by their ids."""
    ids = {slot.job.name: slot.job.id for slot in slots}
    text = str(slug)
    return [_workflow_job(slot, text, ids) for slot in slots]


def _workflow_job(slot: SlotView, slug: str, ids: Mapping[str, JobId]) -> WorkflowJob:
    job = slot.job
    requires: dict[str, list[str]] = {
        ids[need.job]: list(need.statuses) for need in slot.requires if need.job in ids
    }
    return WorkflowJob(
        job.id,
        job.name,
        job.type.value,
        job.status.value,
        slug,
        list(slot.dependencies),
        requires,
        seconds_or_none(job.started_at),
        seconds_or_none(job.stopped_at),
        UNSET if job.number is None else job.number,
        job.id if job.type is JobType.APPROVAL else UNSET,
        job.approved_by or UNSET,
        job.canceled_by or UNSET,
    )
