"""Clearing a project's caches, for those who suspect them."""

from roundel.domain.clock import HOUR, Micros
from roundel.domain.keeping import OWN_SCOPE
from roundel.domain.projects import Project
from roundel.services.work import App, Tx

GRACE = HOUR  # a job may be reading what goes


async def clear_caches(project: Project, app: App) -> int:
    """Let go of all caches of a project, those of its forks included; return how many."""
    at = app.clock.now()

    def transaction(tx: Tx) -> int:
        gone = tx.caches.evict(project.id, OWN_SCOPE, quota=-1, keep="")
        tx.uploads.let_go(gone, Micros(at + GRACE))
        return len(gone)

    return await app.database.write(transaction)
