"""Retention: output goes when its project's time for it is over; steps and results stay."""

from collections.abc import Sequence

from roundel.domain.clock import DAY, Micros
from roundel.domain.ids import ExecutionId
from roundel.services.work import App, Tx

AT_ONCE = 50  # executions of one transaction


async def expire_output(app: App) -> None:
    """Remove output of ended workflows that is past its time.

    Objects go before the rows that name them: a crash in between is mended by the next round.
    """
    while True:
        at = app.clock.now()
        found = await app.database.write(lambda tx, at=at: _outdated(tx, at))  # type: ignore[misc]
        if not found:
            return
        for _, objects in found:
            for name in objects:
                await app.blobs.remove(name)

        def drop(tx: Tx, found: Sequence[tuple[ExecutionId, Sequence[str]]] = found) -> None:
            for execution, _ in found:
                tx.steps.drop_output(execution)

        await app.database.write(drop)


def _outdated(tx: Tx, at: Micros) -> Sequence[tuple[ExecutionId, Sequence[str]]]:
    for project in tx.projects.all():
        days = (
            tx.settings.of_project(project.id).keep_logs_days
            or tx.settings.of_organization(project.organization.id).keep_logs_days
        )
        if days is None:
            continue
        found = tx.steps.outdated(project.id, Micros(at - days * DAY), AT_ONCE)
        if found:
            return found
    return ()
