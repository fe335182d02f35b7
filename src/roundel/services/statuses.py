"""Telling hosts how workflows and jobs stand: what waits is sent until it has been heard."""

import logging
from dataclasses import replace

from roundel.domain.clock import SECOND, Micros
from roundel.domain.git_hosts import ConnectionId, HostRefused
from roundel.domain.git_statuses import WaitingStatus
from roundel.domain.ids import ProjectId
from roundel.domain.timers import TimerKind
from roundel.domain.webhooks import retry_at
from roundel.services.credentials import opened
from roundel.services.work import App, Tx

AT_ONCE = 50  # statuses sent before we look whether they have changed

log = logging.getLogger(__name__)


async def send_statuses(project_id: ProjectId, app: App) -> None:
    """Tell a project's host what waits.  After a failure the rest waits with it.

    A host that cannot be told, or says that it never will, is told no more of that status.
    """

    def next_ones(tx: Tx) -> list[WaitingStatus]:
        found = list(tx.git_statuses.waiting(project_id, AT_ONCE))
        if not found:
            tx.timers.remove_for(TimerKind.GIT_STATUS, project_id)
        return found

    while waiting := await app.database.write(next_ones):
        for one in waiting:
            if not await _send(one, app):
                return


async def _send(one: WaitingStatus, app: App) -> bool:
    """Send one status; tell whether the next may follow."""
    try:
        await _tell(one, app)
    except HostRefused as error:
        at = app.clock.now()
        attempts = one.attempts + 1
        again = None if error.final else retry_at(attempts, at)
        if again is not None and error.retry_after is not None:
            again = Micros(max(again, at + error.retry_after * SECOND))
        log.warning(
            "a status could not be shown: %s",
            error,
            extra={"event": "git-status-failed", "project": one.project_id},
        )
        if again is None:
            await app.database.write(lambda tx: tx.git_statuses.done(one))
            return True

        def put_off(tx: Tx) -> None:
            tx.git_statuses.failed(one)
            tx.timers.postpone(TimerKind.GIT_STATUS, one.project_id, again)

        await app.database.write(put_off)
        return False
    await app.database.write(lambda tx: tx.git_statuses.done(one))
    return True


async def _tell(one: WaitingStatus, app: App) -> None:
    connection = await app.connections.connection(ConnectionId(one.connection_id))
    api = None if connection is None else app.git_hosts.api(connection.provider)
    if connection is None or api is None:
        raise HostRefused("the connection is gone", final=True)
    credentials = opened(connection, app.cipher)
    if not credentials.can_ask:
        raise HostRefused("the connection has no token for the host's API", final=True)
    public = app.addresses.public_url
    await api.set_status(replace(one.status, url=f"{public}{one.status.url}"), credentials)
