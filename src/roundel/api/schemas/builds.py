"""Jobs as API v1.1 shows them: builds with steps and actions."""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import UNSET, UnsetType

from roundel.api.schemas.common import Time, Uuid, job_page, millis, millis_or_none
from roundel.api.schemas.jobs import duration
from roundel.domain.clock import MILLISECOND, Micros
from roundel.domain.jobs import JobStatus
from roundel.domain.pipelines import Pipeline
from roundel.domain.projects import LONG_FORM
from roundel.domain.runners import StepReport, StepStatus
from roundel.domain.views import JobView, NodeView

_J = JobStatus
# (lifecycle, outcome, status) in the words of v1.1
_WORDS: Mapping[JobStatus, tuple[str, str | None, str]] = {
    _J.BLOCKED: ("not_running", None, "not_running"),
    _J.ON_HOLD: ("not_running", None, "not_running"),
    _J.QUEUED: ("queued", None, "queued"),
    _J.NOT_RUNNING: ("not_running", None, "not_running"),
    _J.RUNNING: ("running", None, "running"),
    _J.SUCCESS: ("finished", "success", "success"),
    _J.FAILED: ("finished", "failed", "failed"),
    _J.CANCELED: ("finished", "canceled", "canceled"),
    _J.NOT_RUN: ("not_run", None, "not_run"),
    _J.TIMEDOUT: ("finished", "timedout", "timedout"),
    _J.INFRASTRUCTURE_FAIL: ("finished", "infrastructure_fail", "infrastructure_fail"),
    _J.UNAUTHORIZED: ("not_run", None, "not_run"),
    _J.RETRIED: ("finished", "infrastructure_fail", "retried"),
    _J.TERMINATED_UNKNOWN: ("finished", "infrastructure_fail", "infrastructure_fail"),
}


class Action(msgspec.Struct, rename={"continue_": "continue"}):
    """One step on one node.  `output_url` is null where nothing was printed."""

    index: int
    step: int
    name: str
    type: str
    status: str
    failed: bool | None
    exit_code: int | None
    start_time: Time
    end_time: Time | None
    run_time_millis: int | None
    has_output: bool
    output_url: str | None
    bash_command: str | None
    background: bool
    truncated: bool
    parallel: bool
    canceled: bool
    timedout: bool | None
    infrastructure_fail: bool | None
    continue_: str | None
    insignificant: bool


class Step(msgspec.Struct):
    name: str
    actions: list[Action]


class BuildWorkflow(msgspec.Struct):
    job_id: Uuid
    job_name: str
    workflow_id: Uuid
    workflow_name: str
    workspace_id: Uuid
    upstream_job_ids: list[Uuid]
    upstream_concurrency_map: dict[str, str]


class BuildUser(msgspec.Struct):
    is_user: bool
    login: str
    name: str
    avatar_url: str
    vcs_type: str
    id: str | None


class CommitDetails(msgspec.Struct):
    commit: str
    subject: str
    body: str
    branch: str | None
    author_name: str
    author_email: str
    author_login: str
    committer_date: Time | None


class Build(msgspec.Struct):
    build_num: int
    build_url: str
    vcs_type: str
    vcs_url: str
    username: str
    reponame: str
    branch: str | None
    vcs_tag: str | None
    vcs_revision: str
    subject: str
    body: str
    author_name: str
    committer_name: str
    committer_email: str
    committer_date: Time | None
    why: str
    lifecycle: str
    outcome: str | None
    status: str
    failed: bool | None
    canceled: bool
    timedout: bool
    infrastructure_fail: bool
    usage_queued_at: Time
    queued_at: Time
    start_time: Time | None
    stop_time: Time | None
    build_time_millis: int | None
    parallel: int
    platform: str
    job_name: str
    user: BuildUser
    workflows: BuildWorkflow
    all_commit_details: list[CommitDetails]
    steps: list[Step] | UnsetType = UNSET
    auto_rerun_number: int | UnsetType = UNSET
    max_auto_reruns: int | UnsetType = UNSET


def build(view: JobView, number: int, origin: str, now: Micros) -> Build:
    """Return a build as lists show it, without steps."""
    job, project, workflow, pipeline = view.job, view.project, view.workflow, view.pipeline
    commit = pipeline.commit
    lifecycle, outcome, status = _WORDS[job.status]
    queued_at = millis(job.queued_at if job.queued_at is not None else job.created_at)
    committed = commit.committed_at if commit is not None else None
    return Build(
        build_num=number,
        build_url=job_page(origin, project.slug, pipeline.number, workflow.id, number),
        vcs_type=LONG_FORM[project.slug.vcs],
        vcs_url=project.repository_url,
        username=project.slug.organization,
        reponame=project.slug.project,
        branch=pipeline.ref.branch,
        vcs_tag=pipeline.ref.tag,
        vcs_revision=commit.revision if commit is not None else "",
        subject=commit.subject if commit is not None else "",
        body=commit.body if commit is not None else "",
        author_name=commit.author_name if commit is not None else "",
        committer_name=commit.author_name if commit is not None else "",
        committer_email=commit.author_email if commit is not None else "",
        committer_date=millis_or_none(committed),
        why=pipeline.trigger.type.value,
        lifecycle=lifecycle,
        outcome=outcome,
        status=status,
        failed=None if outcome is None else outcome not in ("success", "canceled"),
        canceled=job.status is _J.CANCELED,
        timedout=job.status is _J.TIMEDOUT,
        infrastructure_fail=job.status is _J.INFRASTRUCTURE_FAIL,
        usage_queued_at=queued_at,
        queued_at=queued_at,
        start_time=millis_or_none(job.started_at),
        stop_time=millis_or_none(job.stopped_at),
        build_time_millis=duration(job, now) if job.stopped_at is not None else None,
        parallel=job.parallelism,
        platform="2.0",
        job_name=job.name,
        user=_user(pipeline, LONG_FORM[project.slug.vcs]),
        workflows=BuildWorkflow(
            job.id,
            job.name,
            workflow.id,
            workflow.name,
            workflow.workspace_id,
            list(view.upstream),
            {},
        ),
        all_commit_details=_commits(pipeline),
        auto_rerun_number=workflow.auto_rerun_number or UNSET,
        max_auto_reruns=workflow.max_auto_reruns or UNSET,
    )


def _user(pipeline: Pipeline, vcs: str) -> BuildUser:
    trigger = pipeline.trigger
    return BuildUser(
        is_user=trigger.actor_id is not None,
        login=trigger.actor_login,
        name=trigger.actor_login,
        avatar_url=trigger.actor_avatar_url,
        vcs_type=vcs,
        id=trigger.actor_id,
    )


def _commits(pipeline: Pipeline) -> list[CommitDetails]:
    commit = pipeline.commit
    if commit is None:
        return []
    return [
        CommitDetails(
            commit.revision,
            commit.subject,
            commit.body,
            pipeline.ref.branch,
            commit.author_name,
            commit.author_email,
            commit.author_login,
            millis_or_none(commit.committed_at),
        )
    ]


def steps(view: JobView, url_of: Callable[[str, int], str]) -> list[Step]:
    """Return the steps in order, each with one action for every node that reached it."""
    found: dict[int, Step] = {}
    for node in view.nodes:
        for report, size in node.steps:
            step = found.setdefault(report.index, Step(report.name, []))
            step.actions.append(_action(node, report, size, len(view.nodes) > 1, url_of))
    return [found[index] for index in sorted(found)]


def _action(
    node: NodeView,
    report: StepReport,
    size: int,
    parallel: bool,
    url_of: Callable[[str, int], str],
) -> Action:
    ended = report.ended_at
    return Action(
        index=node.node,
        step=report.index,
        name=report.name,
        type=report.kind,
        status=report.status.value,
        failed=_verdict(report, StepStatus.FAILED),
        exit_code=report.exit_code,
        start_time=millis(report.started_at),
        end_time=millis_or_none(ended),
        run_time_millis=None if ended is None else max(0, ended - report.started_at) // MILLISECOND,
        has_output=size > 0,
        output_url=url_of(node.execution_id, report.index) if size > 0 else None,
        bash_command=report.command,
        background=report.background,
        truncated=False,
        parallel=parallel,
        canceled=report.status is StepStatus.CANCELED,
        timedout=_verdict(report, StepStatus.TIMEDOUT),
        infrastructure_fail=_verdict(report, StepStatus.INFRASTRUCTURE_FAIL),
        continue_=None,
        insignificant=False,
    )


def _verdict(report: StepReport, status: StepStatus) -> bool | None:
    """Return true where it is so and null otherwise, as v1.1 does."""
    return True if report.status is status else None
