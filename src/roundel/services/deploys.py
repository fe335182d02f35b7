"""Deploy markers: what jobs say that they have deployed."""

from roundel.domain.clock import Micros
from roundel.domain.deploys import (
    MOST_NAMES,
    Component,
    ComponentId,
    Environment,
    EnvironmentId,
    Release,
    Version,
)
from roundel.domain.errors import NotAllowed, NotFound
from roundel.domain.ids import new_id
from roundel.domain.jobs import Execution
from roundel.services.context_use import receives_secrets
from roundel.services.work import Tx

NOT_FOR_FORKS = "A fork's pull request cannot log releases."


def log_release(tx: Tx, execution: Execution, release: Release, at: Micros) -> None:
    """Keep what a running job has deployed.

    Refuse absent and overlong names, too many names (Invalid), and jobs of forks (NotAllowed).
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
    organization = project.organization.id
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
            project_id=project.id,
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
            pipeline_id=pipeline.id,
            workflow_id=workflow.id,
            job_id=job.id,
            job_number=job.number or 0,
            deployed_at=at,
        )
    )
