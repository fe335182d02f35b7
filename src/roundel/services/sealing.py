"""Sealing: the output of an ended step becomes one object, and leaves the database."""

from roundel.domain.ids import ExecutionId
from roundel.domain.timers import TimerKind
from roundel.services.results import SEAL_FROM_BYTES
from roundel.services.work import App, Tx


async def seal_output(execution_id: ExecutionId, app: App) -> None:
    """Put each larger output of an ended execution into one object.

    The object is written first and the rows let go of their data afterwards, so that readers find
    it in one place or the other; a crash in between is mended by doing it again.
    """
    steps = await app.database.write(lambda tx: tx.steps.unsealed(execution_id, SEAL_FROM_BYTES))
    for step in steps:
        name = f"output/{execution_id}/{step}/sealed"
        pieces = app.logs.read(execution_id, step)
        await app.blobs.put_stream(name, (piece.data async for piece in pieces))

        def transaction(tx: Tx, step: int = step, name: str = name) -> list[str]:
            return list(tx.steps.seal(execution_id, step, name))

        for left_over in await app.database.write(transaction):
            await app.blobs.remove(left_over)
    await app.database.write(lambda tx: tx.timers.remove_for(TimerKind.SEAL_LOGS, execution_id))
