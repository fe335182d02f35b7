"""Workflows: one run of one workflow of a pipeline's plan."""

from dataclasses import dataclass

from roundel.domain.clock import Micros
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import PersonId, PipelineId, ProjectId, WorkflowId


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
    created_at: Micros
    stopped_at: Micros | None = None
