"""Telling webhooks: what waits in the outbox becomes deliveries, one for each that listens."""

from collections.abc import Sequence

from roundel.domain.clock import Micros, rfc3339_millis
from roundel.domain.ids import JobId, TimerId, WorkflowId, new_id
from roundel.domain.jobs import Job, JobStatus
from roundel.domain.outbox import EventKind, OutboxEvent
from roundel.domain.pipelines import Commit, Pipeline
from roundel.domain.projects import LONG_FORM, Project, Vcs
from roundel.domain.timers import Timer, TimerKind
from roundel.domain.webhooks import Delivery, DeliveryId, Webhook
from roundel.domain.workflows import Workflow
from roundel.services.work import Tx
from roundel.wire import hooks

# The statuses that receivers know; every other end of a job is a failure to them.
_KNOWN = frozenset(
    {JobStatus.SUCCESS, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.UNAUTHORIZED}
)


def tell_webhooks(tx: Tx, event: OutboxEvent, those: Sequence[Webhook], public_url: str) -> None:
    """Make a delivery of an event for each webhook of its project that wants to hear of it."""
    listening = [hook for hook in those if _wants(hook, event)]
    if not listening:
        return
    job: Job | None = None
    workflow_id = WorkflowId(event.subject)
    if event.kind is EventKind.JOB_COMPLETED:
        job = tx.jobs.get(JobId(event.subject))
        if job is None:
            return
        workflow_id = job.workflow_id
    workflow = tx.workflows.get(workflow_id)
    project = tx.projects.get_by_id(event.project_id)
    pipeline = None if workflow is None else tx.pipelines.get(workflow.pipeline_id)
    if workflow is None or project is None or pipeline is None:
        return
    for hook in listening:
        body = hooks.HookEvent(
            id=event.id,
            type=event.kind.value,
            happened_at=rfc3339_millis(event.at),
            webhook=hooks.Named(hook.id, hook.name),
            project=hooks.HookProject(project.id, project.name, _long_slug(project)),
            organization=hooks.Named(project.organization.id, project.organization.name),
            pipeline=_pipeline(pipeline, project),
            workflow=_workflow(workflow, project, pipeline, public_url, ended=job is None),
        )
        if job is not None:
            body.job = _job(job)
        put_delivery(tx, hook, event.kind.value, workflow.id, hooks.json_of(body), event.at)


def _wants(hook: Webhook, event: OutboxEvent) -> bool:
    return event.kind in hook.events and hook.created_at <= event.at


def put_delivery(
    tx: Tx, hook: Webhook, event: str, lane: str, payload: str, at: Micros
) -> Delivery:
    """Put a delivery at the end of its lane."""
    made = Delivery(
        id=DeliveryId(new_id()),
        webhook_id=hook.id,
        event=event,
        lane=lane,
        payload=payload,
        created_at=at,
    )
    tx.webhooks.add_delivery(made)
    arm_delivery(tx, made, at)
    return made


def arm_delivery(tx: Tx, delivery: Delivery, at: Micros) -> None:
    """Make sure that somebody will work on the delivery's lane."""
    tx.timers.add_once(
        Timer(
            id=TimerId(new_id()),
            kind=TimerKind.DELIVER,
            subject=lane_of(delivery),
            run_at=at,
        )
    )


def lane_of(delivery: Delivery) -> str:
    """Return the subject of the timer of a delivery's lane."""
    return f"{delivery.webhook_id}/{delivery.lane}"


def _long_slug(project: Project) -> str:
    slug = project.slug
    return f"{LONG_FORM[slug.vcs]}/{slug.organization}/{slug.project}"


def _workflow(
    workflow: Workflow, project: Project, pipeline: Pipeline, public_url: str, *, ended: bool
) -> hooks.HookWorkflow:
    shown = hooks.HookWorkflow(
        id=workflow.id,
        name=workflow.name,
        created_at=rfc3339_millis(workflow.created_at),
        stopped_at=_time(workflow.stopped_at),
        url=f"{public_url}/pipelines/{_long_slug(project)}/{pipeline.number}"
        f"/workflows/{workflow.id}",
    )
    if ended:
        shown.status = workflow.status.value
    return shown


def _job(job: Job) -> hooks.HookJob:
    shown = hooks.HookJob(
        id=job.id,
        name=job.name,
        status=(job.status if job.status in _KNOWN else JobStatus.FAILED).value,
        started_at=_time(job.started_at),
        stopped_at=_time(job.stopped_at),
    )
    if job.number is not None:
        shown.number = job.number
    return shown


def _pipeline(pipeline: Pipeline, project: Project) -> hooks.HookPipeline:
    shown = hooks.HookPipeline(
        id=pipeline.id,
        number=pipeline.number,
        created_at=rfc3339_millis(pipeline.created_at),
        trigger=hooks.HookTrigger(pipeline.trigger.type.value),
    )
    commit = pipeline.commit
    if commit is None:
        return shown
    if project.slug.vcs is Vcs.CIRCLECI:
        shown.trigger_parameters = _parameters(pipeline, project, commit)
        return shown
    shown.vcs = hooks.HookVcs(
        provider_name=LONG_FORM[project.slug.vcs],
        origin_repository_url=project.repository_url,
        target_repository_url=project.repository_url,
        revision=commit.revision,
        commit=_commit(commit),
    )
    if pipeline.ref.branch is not None:
        shown.vcs.branch = pipeline.ref.branch
    if pipeline.ref.tag is not None:
        shown.vcs.tag = pipeline.ref.tag
    return shown


def _commit(commit: Commit) -> hooks.HookCommit:
    # Who committed is not kept apart from who wrote it.
    person = hooks.HookPerson(commit.author_name, commit.author_email)
    at = _time(commit.committed_at)
    return hooks.HookCommit(
        subject=commit.subject,
        body=commit.body,
        author=person,
        authored_at=at,
        committer=person,
        committed_at=at,
    )


def _parameters(pipeline: Pipeline, project: Project, commit: Commit) -> hooks.HookParameters:
    trigger, ref = pipeline.trigger, pipeline.ref
    full = f"refs/tags/{ref.tag}" if ref.tag is not None else f"refs/heads/{ref.branch or ''}"
    return hooks.HookParameters(
        circleci=hooks.HookCause(
            event_time=rfc3339_millis(trigger.received_at),
            event_type=trigger.type.value,
            trigger_type=trigger.type.value,
            actor_id=trigger.actor_id or "",
        ),
        git=hooks.HookGit(
            tag=ref.tag or "",
            checkout_sha=commit.revision,
            ref=full,
            branch=ref.branch or "",
            checkout_url=project.repository_url,
        ),
    )


def _time(at: Micros | None) -> str | None:
    return None if at is None else rfc3339_millis(at)
