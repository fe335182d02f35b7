"""Pipelines go, with all that they left, when their project's time for them is over."""

from roundel.domain.clock import DAY, Micros
from roundel.domain.errors import Invalid
from roundel.domain.ids import PipelineId, ProjectId
from roundel.domain.keeping import object_name
from roundel.domain.workflows import Workflow
from roundel.services.work import App, Tx

AT_ONCE = 20  # pipelines between two looks for more


async def expire_pipelines(app: App) -> None:
    """Remove pipelines that are past their time and that nothing is in use of.

    Objects go before the rows that name them: a crash in between is mended by the next round.
    """
    while True:
        at = app.clock.now()
        found = await app.database.write(lambda tx, at=at: _outdated(tx, at))  # type: ignore[misc]
        for pipeline_id in found:
            await _forget(pipeline_id, app)
        if not found:
            return


async def _forget(pipeline_id: PipelineId, app: App) -> None:
    def left(tx: Tx) -> list[str]:
        blobs = [object_name(blob) for blob in tx.history.uploads(pipeline_id)]
        return [*tx.history.objects(pipeline_id), *blobs]

    for name in await app.database.write(left):
        await app.blobs.remove(name)
    await app.database.write(lambda tx: tx.history.forget(pipeline_id))


def _outdated(tx: Tx, at: Micros) -> list[PipelineId]:
    for project in tx.projects.all():
        before = _kept_since(tx, project.id, at)
        found = [] if before is None else [*tx.history.outdated(project.id, before, AT_ONCE)]
        if found:
            return found
    return []


def refuse_if_outdated(tx: Tx, workflow: Workflow, at: Micros) -> None:
    """Refuse new work on a pipeline that may be removed at any moment."""
    pipeline = tx.pipelines.get(workflow.pipeline_id)
    before = _kept_since(tx, workflow.project_id, at)
    if before is not None and pipeline is not None and pipeline.created_at < before:
        raise Invalid(
            "Workflow cannot be rerun: its pipeline is older than the days for which the project "
            "keeps pipelines (keep_pipelines_days)"
        )


def _kept_since(tx: Tx, project_id: ProjectId, at: Micros) -> Micros | None:
    """Return since when the project keeps pipelines; None if it keeps all."""
    days = tx.settings.of_project(project_id).keep_pipelines_days
    if days is None:
        project = tx.projects.get_by_id(project_id)
        if project is not None:
            days = tx.settings.of_organization(project.organization.id).keep_pipelines_days
    return None if days is None else Micros(at - days * DAY)
