"""Redundant workflows: those of older pipelines end when a newer one of their branch begins."""

from roundel.domain.clock import Micros
from roundel.domain.ids import PersonId
from roundel.domain.pipelines import Pipeline, TriggerType
from roundel.domain.projects import Project
from roundel.services.work import Tx
from roundel.services.workflows import NOBODY, cancel_in


def may_be_redundant(tx: Tx, pipeline: Pipeline) -> bool:
    """Tell whether a newer pipeline of the branch will cancel this one's workflows."""
    branch, project = pipeline.ref.branch, tx.projects.get_by_id(pipeline.project_id)
    return (
        project is not None
        and branch is not None
        and branch != project.default_branch
        and pipeline.trigger.type is not TriggerType.SCHEDULED
        and tx.settings.of_project(project.id).autocancel_builds
    )


def cancel_redundant(tx: Tx, pipeline: Pipeline, project: Project, at: Micros) -> None:
    """Cancel what a pipeline that was just triggered makes redundant."""
    branch = pipeline.ref.branch
    if branch is None or branch == project.default_branch:
        return
    if pipeline.trigger.type is TriggerType.SCHEDULED:
        return
    if not tx.settings.of_project(project.id).autocancel_builds:
        return
    for workflow_id in tx.workflows.redundant(project.id, branch, pipeline.created_at):
        workflow = tx.workflows.get(workflow_id)
        if workflow is not None:
            cancel_in(tx, workflow, _by(pipeline), at)


def cancel_if_overtaken(tx: Tx, pipeline: Pipeline, at: Micros) -> None:
    """Cancel the workflows just made of a pipeline that a newer one overtook meanwhile."""
    branch = pipeline.ref.branch
    if branch is None or not may_be_redundant(tx, pipeline):
        return
    if tx.pipelines.newest_of_branch(pipeline.project_id, branch) == pipeline.id:
        return
    for workflow_id in tx.workflows.redundant(
        pipeline.project_id, branch, Micros(pipeline.created_at + 1)
    ):
        workflow = tx.workflows.get(workflow_id)
        if workflow is not None and workflow.pipeline_id == pipeline.id:
            cancel_in(tx, workflow, NOBODY, at)


def _by(pipeline: Pipeline) -> PersonId:
    return pipeline.trigger.actor_id or NOBODY
