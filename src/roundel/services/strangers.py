"""Contributions of strangers: held, where the project asks for it, until somebody says yes."""

from dataclasses import replace

from roundel.domain.access import Actor
from roundel.domain.errors import IllegalMove, NotFound
from roundel.domain.git_events import PullRequest
from roundel.domain.ids import PipelineId
from roundel.domain.pipelines import Pipeline, PipelineState
from roundel.domain.projects import Project
from roundel.services.pipelines import Triggered, compile_timer
from roundel.services.work import App, Tx


def is_held(tx: Tx, project: Project, pull: PullRequest) -> bool:
    """Tell whether somebody must say yes first: to a fork's, of whom neither host nor we know.

    Who wrote it is what the host says of the account, not what the commits claim.
    """
    asked = (
        tx.settings.of_project(project.id).approve_strangers
        or tx.settings.of_organization(project.organization.id).approve_strangers
    )
    if not pull.fork or pull.trusted or not asked:
        return False
    return not pull.author_id or not tx.connections.knows_guest(project.id, pull.author_id)


async def approve_contribution(pipeline_id: PipelineId, by: Actor, app: App) -> Triggered:
    """Let a held pipeline go on, and know its author from now on; refuse one that is not held."""
    at = app.clock.now()

    def transaction(tx: Tx) -> Triggered:
        pipeline = tx.pipelines.get(pipeline_id)
        project = None if pipeline is None else tx.projects.get_by_id(pipeline.project_id)
        if pipeline is None or project is None:
            raise NotFound("Pipeline not found")
        origin = pipeline.origin
        if origin is None or not origin.held or pipeline.state is not PipelineState.PENDING:
            raise IllegalMove("The pipeline does not wait for an approval.")
        free: Pipeline = replace(pipeline, origin=replace(origin, held=False), updated_at=at)
        tx.pipelines.save(free, PipelineState.PENDING)
        tx.timers.add(compile_timer(pipeline.id, app.instance, at))
        if origin.author_id:
            tx.connections.welcome_guest(project.id, origin.author_id, by.id, at)
        return Triggered(pipeline=free, project=project, fetched=None)

    return await app.database.write(transaction)
