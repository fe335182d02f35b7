"""How workflows and jobs stand, for the host to show: written where they move."""

from collections.abc import Iterable

from roundel.domain.clock import Micros
from roundel.domain.git_statuses import (
    JOB_CONTEXT,
    CommitStatus,
    StatusState,
    WaitingStatus,
    of_job,
    of_workflow,
)
from roundel.domain.ids import TimerId, new_id
from roundel.domain.jobs import Job
from roundel.domain.projects import LONG_FORM
from roundel.domain.timers import Timer, TimerKind
from roundel.domain.workflows import Workflow
from roundel.services.sources import checkout_project
from roundel.services.work import TIMERS, Tx


def show_jobs(tx: Tx, jobs: Iterable[Job], at: Micros) -> None:
    """Let the host of the repository know where several jobs stand."""
    if tx.git_statuses.any_listener():
        for job in jobs:
            show_job(tx, job, at)


def show_job(tx: Tx, job: Job, at: Micros) -> None:
    """Let the host of the repository know where a job stands, and with it its workflow."""
    if not tx.git_statuses.any_listener():
        return
    workflow = tx.workflows.get(job.workflow_id)
    if workflow is not None:
        number = "" if job.number is None else f"/jobs/{job.number}"
        _show(tx, workflow, JOB_CONTEXT.format(job.name), of_job(job.status), number, at)
        if workflow.stopped_at is None:
            show_workflow(tx, workflow, at)


def show_workflow(tx: Tx, workflow: Workflow, at: Micros) -> None:
    """Let the host of the repository know where a workflow stands."""
    if tx.git_statuses.any_listener():
        _show(tx, workflow, workflow.name, of_workflow(workflow.status), "", at)


def _show(
    tx: Tx,
    workflow: Workflow,
    context: str,
    said: tuple[StatusState, str],
    place: str,
    at: Micros,
) -> None:
    pipeline = tx.pipelines.get(workflow.pipeline_id)
    project = tx.projects.get_by_id(workflow.project_id)
    if pipeline is None or project is None or pipeline.commit is None:
        return
    source = checkout_project(tx, pipeline, project)  # the commit is in its repository
    listener = None if source is None else tx.git_statuses.listener(source.id)
    if listener is None or not tx.settings.of_project(project.id).set_github_status:
        return
    slug = project.slug
    connection, repository = listener
    state, words = said
    status = CommitStatus(
        repository=repository,
        revision=pipeline.commit.revision,
        context=context,
        state=state,
        description=words,
        url=f"/pipelines/{LONG_FORM[slug.vcs]}/{slug.organization}/{slug.project}"
        f"/{pipeline.number}/workflows/{workflow.id}{place}",
        ref=pipeline.ref.tag or pipeline.ref.branch or "",
        whole=context == workflow.name,
    )
    tx.git_statuses.put(
        WaitingStatus(project_id=project.id, connection_id=connection, status=status, changed_at=at)
    )
    tx.timers.add_once(
        Timer(id=TimerId(new_id()), kind=TimerKind.GIT_STATUS, subject=project.id, run_at=at)
    )
    tx.wake(TIMERS)
