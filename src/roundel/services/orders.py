"""Orders: all that a runner needs for one execution, put together at the claim."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from roundel.domain.clock import SECOND, Micros
from roundel.domain.jobs import Execution, Job
from roundel.domain.pipelines import Commit, Pipeline
from roundel.domain.plan import JobPlan
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.domain.runners import CheckoutOrder, JobOrder, Lease, Secret, SshKeyOrder
from roundel.domain.workflows import SETUP_TAG, Workflow
from roundel.services.access import AtHost, at_host, by_key
from roundel.services.checkout_keys import preferred_key
from roundel.services.context_use import (
    JobSecrets,
    SecretLost,
    receives_secrets,
    secrets_of_job,
)
from roundel.services.plans import plan_of, read_job
from roundel.services.sources import checkout_project
from roundel.services.ssh_keys import ssh_keys_for_job
from roundel.services.work import App, Tx
from roundel.vault.cipher import CannotUnseal
from roundel.vault.continuation import continuation_key
from roundel.vault.env import Surroundings, builtin_environment, job_environment

if TYPE_CHECKING:
    from roundel.services.identity import TokenDraft

TIME_LIMIT_SECONDS = 5 * 3600  # the longest that a job may take


class CannotOrder(Exception):
    """What the order needs is not in the database; `str()` says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An order as the transaction leaves it: what others are asked for comes after that."""

    order: JobOrder
    tokens: "TokenDraft | None"
    own: Mapping[str, str]  # what the job itself sets

    async def signed(self, app: App) -> JobOrder:
        """Return the whole order."""
        if self.tokens is None:
            return self.order
        from roundel.services.identity import with_tokens

        return await with_tokens(self.order, self.tokens, self.own, app)


def make_order(tx: Tx, execution: Execution, job: Job, app: App) -> Draft:
    """Return the draft of an execution that was just claimed, or is resumed.

    Raise CannotOrder if its plan is not there, which takes a damaged database.
    """
    workflow, pipeline, project = _whereabouts(tx, job)
    plan = _plan_of(tx, pipeline, workflow, job)
    secrets = _secrets(pipeline, workflow, app)
    kept = _kept(tx, job, workflow, pipeline, project, app)
    own = {**secrets, **plan.environment}
    checkout, _ = _checkout(tx, project, pipeline, app)
    order = JobOrder(
        lease=_lease_of(execution),
        job_id=job.id,
        job_name=job.name,
        job_number=job.number or 0,
        project_slug=str(project.slug),
        node=execution.node,
        nodes=job.parallelism,
        attempt=execution.attempt,
        executor=plan.executor,
        steps=plan.steps,
        environment=job_environment(
            own,
            builtin_environment(
                Surroundings(
                    project=project,
                    pipeline=pipeline,
                    workflow=workflow,
                    job=job,
                    node=execution.node,
                    public_url=app.addresses.public_url,
                    job_url=app.addresses.job_url,
                    working_directory=plan.working_directory,
                    previous_number=_previous_number(tx, job, pipeline),
                )
            ),
            contexts=kept.contexts,
            project=kept.project,
        ),
        masks=(*secrets.values(), *kept.masks),
        shell=plan.shell,
        working_directory=plan.working_directory,
        resource_class=plan.resource_class,
        checkout=checkout,
        ssh_keys=_ssh_keys(tx, project, pipeline, plan, app),
        time_limit_seconds=TIME_LIMIT_SECONDS,
    )
    tokens = _tokens(tx, execution, job, (workflow, pipeline, project), app)
    return Draft(order=order, tokens=tokens, own=plan.environment)


def checkout_place(tx: Tx, execution: Execution, app: App) -> AtHost | None:
    """Return which host makes a password for an execution's checkout; None if none does."""
    job = tx.jobs.get(execution.job_id)
    if job is None:
        return None
    _, pipeline, project = _whereabouts(tx, job)
    return _checkout(tx, project, pipeline, app)[1]


def token_draft(tx: Tx, execution: Execution, app: App) -> "TokenDraft | None":
    """Return the draft of tokens for an execution that runs; None where it gets none."""
    job = tx.jobs.get(execution.job_id)
    return None if job is None else _tokens(tx, execution, job, _whereabouts(tx, job), app)


def _tokens(
    tx: Tx,
    execution: Execution,
    job: Job,
    whereabouts: tuple[Workflow, Pipeline, Project],
    app: App,
) -> "TokenDraft | None":
    if app.signer is None:
        return None
    from roundel.services.identity import draft_tokens

    claimed_at = (execution.deadline or app.clock.now()) - TIME_LIMIT_SECONDS * SECOND
    return draft_tokens(tx, execution, job, *whereabouts, Micros(claimed_at))


def _whereabouts(tx: Tx, job: Job) -> tuple[Workflow, Pipeline, Project]:
    workflow = tx.workflows.get(job.workflow_id)
    pipeline = None if workflow is None else tx.pipelines.get(workflow.pipeline_id)
    project = tx.projects.get_by_id(job.project_id)
    if workflow is None or pipeline is None or project is None:
        raise CannotOrder(f"the workflow of job {job.name!r} is not in the database")
    return workflow, pipeline, project


def _secrets(pipeline: Pipeline, workflow: Workflow, app: App) -> dict[str, Secret]:
    """Return the variables that must not be seen in output."""
    if workflow.tag != SETUP_TAG:
        return {}
    key = continuation_key(app.signing_key(), pipeline.id)
    return {"CIRCLE_CONTINUATION_KEY": Secret(key)}


def _kept(
    tx: Tx, job: Job, workflow: Workflow, pipeline: Pipeline, project: Project, app: App
) -> JobSecrets:
    """Return the variables of contexts and project, opened now and not before."""
    named = tx.workflows.contexts_of(workflow.id, job.id)
    try:
        return secrets_of_job(tx, named, pipeline, project, app.cipher)
    except SecretLost as error:
        raise CannotOrder(str(error)) from None


def _plan_of(tx: Tx, pipeline: Pipeline, workflow: Workflow, job: Job) -> JobPlan:
    stored = plan_of(pipeline, workflow)
    if stored is None or job.plan_key is None:
        raise CannotOrder(f"the plan of job {job.name!r} is not in the database")
    plan = read_job(tx.documents, stored, job.plan_key)
    if plan is None:
        raise CannotOrder(f"the plan of job {job.name!r} is not in the database")
    return plan


def _lease_of(execution: Execution) -> Lease:
    if execution.runner_id is None:
        raise CannotOrder("no runner has claimed the execution")
    return Lease(execution_id=execution.id, runner_id=execution.runner_id, fence=execution.fence)


def _previous_number(tx: Tx, job: Job, pipeline: Pipeline) -> int | None:
    if job.number is None or pipeline.ref.branch is None:
        return None
    return tx.jobs.number_before(job.project_id, pipeline.ref.branch, job.number)


def _checkout(
    tx: Tx, project: Project, pipeline: Pipeline, app: App
) -> tuple[CheckoutOrder | None, AtHost | None]:
    """Return what is checked out, and which host makes a password for it once it is needed.

    A token that does more than to read this repository is for us, not for jobs.
    """
    if pipeline.commit is None:
        return None, None
    source = checkout_project(tx, pipeline, project)
    if source is None:
        raise CannotOrder("the repository that is to be checked out is not registered any more")
    if pipeline.in_fork is not None:  # nothing of ours opens what is not ours
        address, _ = pipeline.in_fork
        return _order(address, pipeline, pipeline.commit), None
    trusted = receives_secrets(tx, pipeline, source)  # a fork's job gets nothing that opens it
    try:
        ssh_key = preferred_key(tx, source, app.cipher) if trusted else None
    except CannotUnseal as error:
        raise CannotOrder(f"the checkout key of {source.slug} cannot be opened: {error}") from None
    order = _order(source.repository_url, pipeline, pipeline.commit, ssh_key)
    if not trusted or not source.repository_url.startswith("https://"):
        return order, None
    place = at_host(tx, source, app)
    if place is None:
        return order, None
    if place.short_lived:
        return replace(order, password_on_request=True), place
    return by_key(order, place), None


def _order(
    address: str, pipeline: Pipeline, commit: Commit, ssh_key: Secret | None = None
) -> CheckoutOrder:
    return CheckoutOrder(
        ssh_key=ssh_key,
        repository_url=address,
        revision=commit.revision,
        branch=pipeline.ref.branch,
        tag=pipeline.ref.tag,
    )


def _ssh_keys(
    tx: Tx, project: Project, pipeline: Pipeline, plan: JobPlan, app: App
) -> tuple[SshKeyOrder, ...] | None:
    try:
        return ssh_keys_for_job(tx, project, pipeline, plan, app.cipher)
    except CannotUnseal as error:
        raise CannotOrder(f"an SSH key of {project.slug} cannot be opened: {error}") from None
