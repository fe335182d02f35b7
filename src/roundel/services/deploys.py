"""Deploy markers: what jobs say that they have deployed."""

from dataclasses import replace

from roundel.domain.clock import Micros
from roundel.domain.deploys import (
    LONGEST_REASON,
    MOST_NAMES,
    RELEASE_OVER,
    Component,
    ComponentId,
    Environment,
    EnvironmentId,
    PlannedRelease,
    Release,
    ReleaseDeed,
    ReleaseStatus,
    Version,
)
from roundel.domain.errors import Invalid, NotAllowed, NotFound
from roundel.domain.ids import new_id
from roundel.domain.jobs import Execution, Job, JobStatus
from roundel.domain.pipelines import Pipeline
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.domain.workflows import Workflow
from roundel.services.context_use import receives_secrets
from roundel.services.plans import plan_of, read_job
from roundel.services.work import Tx

NO_PLAN_NAME = "A job of the type release needs plan_name."
NOT_PLANNED = (
    "No release was planned as {0!r} in this pipeline: a job before this one says"
    " `circleci run release plan {0} …`."
)
NOT_FOR_FORKS = "A fork's pull request cannot log releases."


def log_release(tx: Tx, execution: Execution, release: Release, at: Micros) -> None:
    """Keep what a running job has deployed, plans to deploy, or how that goes.

    A planned release that is over stays as it is; one that went well has deployed its version.
    Refuse absent and overlong names, too many names, plans that nobody made (Invalid), and jobs of
    forks (NotAllowed).
    """
    release.check()
    job = tx.jobs.get(execution.job_id)
    workflow = None if job is None else tx.workflows.get(job.workflow_id)
    pipeline = None if workflow is None else tx.pipelines.get(workflow.pipeline_id)
    project = None if job is None else tx.projects.get_by_id(job.project_id)
    if job is None or workflow is None or pipeline is None or project is None:
        raise NotFound("This job is no more.")
    if not receives_secrets(tx, pipeline, project):
        raise NotAllowed(NOT_FOR_FORKS)
    where = _Where(project=project, pipeline=pipeline, workflow=workflow, job=job)
    match release.deed:
        case ReleaseDeed.LOG:
            _mark(tx, where, release, at)
        case ReleaseDeed.PLAN:
            tx.deploys.plan(_planned(pipeline, release, at))
        case ReleaseDeed.UPDATE:
            _update(tx, where, release, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Where:
    project: Project
    pipeline: Pipeline
    workflow: Workflow
    job: Job


def _planned(pipeline: Pipeline, release: Release, at: Micros) -> PlannedRelease:
    return PlannedRelease(
        pipeline_id=pipeline.id,
        name=release.plan,
        component=release.component,
        environment=release.environment,
        version=release.version,
        namespace=release.namespace,
        status=ReleaseStatus.PENDING,
        created_at=at,
        updated_at=at,
    )


def _update(tx: Tx, where: _Where, release: Release, at: Micros) -> None:
    planned = tx.deploys.planned(where.pipeline.id, release.plan)
    if planned is None:
        raise Invalid(f"no release was planned as {release.plan!r} in this pipeline")
    status = ReleaseStatus(release.status.upper())
    if planned.status is status:
        return
    if planned.status in RELEASE_OVER:
        raise Invalid(f"the release {release.plan!r} is over: {planned.status}")
    reason = release.reason[:LONGEST_REASON]
    tx.deploys.plan(replace(planned, status=status, reason=reason, updated_at=at))
    if status is ReleaseStatus.SUCCESS:
        done = Release(
            component=planned.component,
            environment=planned.environment,
            version=planned.version,
            namespace=planned.namespace,
        )
        _mark(tx, where, done, at)


def ending_of_release(tx: Tx, workflow: Workflow, job: Job) -> tuple[JobStatus, str]:
    """Return how a job of the type `release` ends when its turn comes, and why.

    It ends as the release went that it names.  Nothing here follows a release inside a cluster, so
    one that is still under way does not keep its job.
    """
    pipeline = tx.pipelines.get(workflow.pipeline_id)
    stored = None if pipeline is None else plan_of(pipeline, workflow)
    if pipeline is None or stored is None or job.plan_key is None:
        return JobStatus.FAILED, NO_PLAN_NAME
    body = read_job(tx.documents, stored, job.plan_key)
    name = "" if body is None else str(body.extra.get("plan_name") or "")
    if not name:
        return JobStatus.FAILED, NO_PLAN_NAME
    planned = tx.deploys.planned(pipeline.id, name)
    if planned is None:
        return JobStatus.FAILED, NOT_PLANNED.format(name)
    match planned.status:
        case ReleaseStatus.FAILED:
            return JobStatus.FAILED, planned.reason or f"The release {name!r} has failed."
        case ReleaseStatus.CANCELED:
            return JobStatus.CANCELED, planned.reason or f"The release {name!r} was canceled."
        case _:
            return JobStatus.SUCCESS, ""


def _mark(tx: Tx, where: _Where, release: Release, at: Micros) -> None:
    organization = where.project.organization.id
    environment = tx.deploys.environment(
        Environment(
            id=EnvironmentId(new_id()),
            organization_id=organization,
            name=release.environment,
            created_at=at,
            updated_at=at,
        ),
        MOST_NAMES,
    )
    component = tx.deploys.component(
        Component(
            id=ComponentId(new_id()),
            organization_id=organization,
            project_id=where.project.id,
            name=release.component,
            releases=0,
            created_at=at,
            updated_at=at,
        ),
        MOST_NAMES,
    )
    tx.deploys.mark(
        Version(
            component_id=component.id,
            environment_id=environment.id,
            namespace=release.namespace,
            name=release.version,
            pipeline_id=where.pipeline.id,
            workflow_id=where.workflow.id,
            job_id=where.job.id,
            job_number=where.job.number or 0,
            deployed_at=at,
        )
    )
