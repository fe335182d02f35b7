"""Removing projects and organisations for good, with all that belongs to them."""

from dataclasses import replace

from roundel.domain.projects import Organization, Project
from roundel.services.work import App, Tx

AT_ONCE = 10  # pipelines of one transaction: others have their turn in between


async def remove_project(project: Project, app: App) -> None:
    """Remove a project; doing it again after a crash goes on where that one ended.

    It takes no new pipelines from the first moment on.  Jobs that still run lose their leases,
    which ends them.
    """

    def close(tx: Tx) -> None:
        settings = tx.settings.of_project(project.id)
        tx.settings.save_project(project.id, replace(settings, block_new_work=True))

    await app.database.write(close)
    while await app.database.write(lambda tx: tx.removals.pipelines(project.id, AT_ONCE)):
        pass

    def finish(tx: Tx) -> None:
        while tx.removals.pipelines(project.id, AT_ONCE):
            pass  # what came between
        tx.removals.project(project.id)

    await app.database.write(finish)


async def remove_organization(organization: Organization, app: App) -> None:
    """Remove an organisation with its projects, contexts, runners, groups and members' roles."""
    projects = await app.database.write(lambda tx: tx.projects.of_organization(organization.id))
    for project in projects:
        await remove_project(project, app)

    def finish(tx: Tx) -> None:
        for project in tx.projects.of_organization(organization.id):
            while tx.removals.pipelines(project.id, AT_ONCE):
                pass
            tx.removals.project(project.id)
        tx.removals.organization(organization.id)

    await app.database.write(finish)


async def sweep_doomed(app: App, at_once: int) -> None:
    """Remove the objects of what was removed; an object goes before its name is forgotten."""
    while names := await app.database.write(lambda tx: tx.removals.doomed(at_once)):
        for name in names:
            await app.blobs.remove(name)
        gone = tuple(names)
        await app.database.write(lambda tx, gone=gone: tx.removals.forget(gone))  # type: ignore[misc]
