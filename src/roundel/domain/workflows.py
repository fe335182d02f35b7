"""Workflows: one run of one workflow of a pipeline's plan."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from typing import Protocol

from roundel.domain.clock import Micros
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import JobId, PersonId, PipelineId, ProjectId, WorkflowId
from roundel.domain.jobs import JobStatus
from roundel.domain.plan import JobType, Requirement
from roundel.domain.records import dataclass

SETUP_TAG = "setup"  # of the workflow of a setup config


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One run of one workflow.  `canceled_by` is set as soon as somebody asks for its end."""

    id: WorkflowId
    pipeline_id: PipelineId
    project_id: ProjectId
    name: str
    status: WorkflowStatus
    started_by: PersonId | None
    workspace_id: WorkflowId  # the original's id on reruns
    rerun_of: WorkflowId | None = None
    tag: str | None = None  # "setup" on a setup workflow
    canceled_by: PersonId | None = None
    auto_rerun_number: int = 0  # of how many automatic reruns this is the last
    max_auto_reruns: int = 0  # 0 on reruns that a person asked for
    auto_cancel: bool = False  # a newer pipeline of its branch makes it redundant
    plan: str | None = None  # hash of the plan that it came from
    created_at: Micros
    stopped_at: Micros | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowSlot:
    """One invocation in a workflow, and where the job that fills it stands.

    An excluded one has no job.
    """

    workflow_id: WorkflowId
    position: int
    name: str
    type: JobType
    requires: tuple[Requirement, ...] = ()
    contexts: tuple[str, ...] = ()
    serial_group: str | None = None
    job_group: str | None = None  # jobs of one group take their turn in a serial group together
    excluded: str | None = None
    job_id: JobId | None = None
    status: JobStatus | None = None


def needs_turn(slot: WorkflowSlot) -> bool:
    """Tell whether a job waits in a line before it starts."""
    return slot.serial_group is not None or slot.type is JobType.LOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What never changes about a workflow: its invocations and who waits for whom.

    `slots` have no statuses.  `waits_for` is a hint: for an invocation with many requirements one
    that had not ended when somebody looked.
    """

    slots: Mapping[str, WorkflowSlot]
    kept: frozenset[str]  # those filled by jobs of the workflow that this one reruns
    by_job: Mapping[JobId, WorkflowSlot]
    followers: Mapping[str, Sequence[str]]
    groups: Mapping[str, Sequence[WorkflowSlot]]
    takes_turns: bool  # whether any of them waits in a line before it starts
    waits_for: dict[str, str] = field(default_factory=dict)


def layout_of(slots: Sequence[WorkflowSlot], kept: Collection[str] = ()) -> Layout:
    """Return the layout of a workflow with these invocations."""
    followers: dict[str, list[str]] = {}
    groups: dict[str, list[WorkflowSlot]] = {}
    for slot in slots:
        for need in slot.requires:
            followers.setdefault(need.job, []).append(slot.name)
        if slot.job_group is not None:
            groups.setdefault(slot.job_group, []).append(slot)
    return Layout(
        slots={slot.name: slot for slot in slots},
        kept=frozenset(kept),
        by_job={slot.job_id: slot for slot in slots if slot.job_id is not None},
        followers=followers,
        groups=groups,
        takes_turns=any(needs_turn(slot) for slot in slots),
    )


class Workflows(Protocol):
    """Where workflows and their slots are kept."""

    def add(self, workflow: Workflow) -> None: ...

    def get(self, workflow_id: WorkflowId) -> Workflow | None: ...

    def save(self, workflow: Workflow, before: WorkflowStatus) -> None:
        """Save unless its status is no longer `before`."""

    def add_slots(self, slots: Sequence[WorkflowSlot]) -> None:
        """Add slots; their jobs must be there already."""

    def contexts_of(self, workflow_id: WorkflowId, job_id: JobId) -> Sequence[str]:
        """Return the contexts that a job of a workflow names."""

    def slots(self, workflow_id: WorkflowId) -> Sequence[WorkflowSlot]:
        """Return all slots in the order of the config."""

    def layout(self, workflow_id: WorkflowId) -> Layout:
        """Return what never changes about a workflow; cheap after the first time."""

    def standing(self, jobs: Collection[JobId]) -> Mapping[JobId, JobStatus]:
        """Return where these jobs stand."""

    def statuses(self, workflow: Workflow) -> Collection[JobStatus]:
        """Return the statuses that jobs of the workflow have, each once."""

    def with_job(self, job_id: JobId) -> Sequence[Workflow]:
        """Return the workflows that a job is part of: its own, and reruns that kept it."""

    def newest_named(self, project_id: ProjectId, name: str) -> WorkflowId | None:
        """Return the newest workflow of a name."""

    def came_from(self, pipeline_id: PipelineId, plan: str) -> bool:
        """Tell whether a workflow of the pipeline came from this plan."""

    def runs_of(self, workspace_id: WorkflowId) -> int:
        """Return how many workflows there are with this original, itself included."""

    def was_rerun(self, workflow: Workflow) -> bool:
        """Tell whether there is a rerun of this very workflow."""

    def redundant(self, project_id: ProjectId, branch: str, before: Micros) -> Sequence[WorkflowId]:
        """Return those that go on and may be cancelled for a pipeline made after `before`."""
