"""Sweeping: what jobs left behind goes when its time is over, rows first and objects last."""

from roundel.domain.clock import Micros
from roundel.domain.keeping import object_name
from roundel.domain.storage import BlobId
from roundel.domain.timers import TimerKind
from roundel.services.arming import EVERY, SUBJECT
from roundel.services.expiry import expire_pipelines
from roundel.services.removing import sweep_doomed
from roundel.services.retention import expire_output
from roundel.services.sessions import drop_old_sessions
from roundel.services.usage import expire_exports
from roundel.services.work import App, Tx

AT_ONCE = 200  # rows of one transaction


async def sweep_storage(app: App) -> None:
    """Remove what is past its time, and every blob that nothing names; then wait an hour.

    An object is removed before its row: a crash in between is mended by the next sweep.
    """
    await sweep_doomed(app, AT_ONCE)
    await expire_output(app)
    await expire_exports(app)
    await expire_pipelines(app)
    now = app.clock.now()
    while await app.database.write(lambda tx: _expire(tx, now)):
        pass
    await app.database.write(lambda tx: drop_old_sessions(tx, now))
    while True:
        free = await app.database.write(lambda tx: tx.uploads.free(now, AT_ONCE))
        if not free:
            break
        for blob in free:
            await app.blobs.remove(object_name(blob))

        def forget(tx: Tx, free: list[BlobId] = list(free)) -> None:  # noqa: B006 bound, not kept
            tx.uploads.forget(free)

        await app.database.write(forget)
    again = Micros(app.clock.now() + EVERY)
    await app.database.write(lambda tx: tx.timers.postpone(TimerKind.SWEEP_STORAGE, SUBJECT, again))


def _expire(tx: Tx, now: Micros) -> bool:
    """Let go of some of what is past its time; tell whether there may be more."""
    gone = [
        *tx.caches.expire(now, AT_ONCE),
        *tx.layers.expire(now, AT_ONCE),
        *tx.artifacts.expire(now, AT_ONCE),
    ]
    tx.uploads.let_go(gone, Micros(now))
    return len(gone) >= AT_ONCE or tx.repeats.expire(now, AT_ONCE) >= AT_ONCE
