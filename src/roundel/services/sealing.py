"""Sealing: the output of an ended step becomes one object, and leaves the database."""

from collections.abc import AsyncIterator

from roundel.domain.ids import ExecutionId
from roundel.domain.line_index import LineIndex
from roundel.domain.logs import Logs
from roundel.domain.timers import TimerKind
from roundel.services.results import SEAL_FROM_BYTES
from roundel.services.work import App, Tx

INDEX_FROM_BYTES = 1024 * 1024  # what is shorter is read whole sooner than an index is fetched


async def seal_output(execution_id: ExecutionId, app: App) -> None:
    """Put each larger output of an ended execution into one object.

    The object is written first and the rows let go of their data afterwards, so that readers find
    it in one place or the other; a crash in between is mended by doing it again.
    """
    steps = await app.database.write(lambda tx: tx.steps.unsealed(execution_id, SEAL_FROM_BYTES))
    for step in steps:
        name = f"output/{execution_id}/{step}/sealed"
        index = LineIndex()
        await app.blobs.put_stream(name, _indexed(app.logs, execution_id, step, index))
        lines = index.packed() if index.size >= INDEX_FROM_BYTES else None

        def transaction(
            tx: Tx, step: int = step, name: str = name, lines: bytes | None = lines
        ) -> list[str]:
            return list(tx.steps.seal(execution_id, step, name, lines))

        for left_over in await app.database.write(transaction):
            await app.blobs.remove(left_over)
    await app.database.write(lambda tx: tx.timers.remove_for(TimerKind.SEAL_LOGS, execution_id))


async def _indexed(
    logs: Logs, execution_id: ExecutionId, step: int, index: LineIndex
) -> AsyncIterator[bytes]:
    """Yield an output, and tell the index of it: nobody has to read it once more for that."""
    async for piece in logs.read(execution_id, step):
        index.feed(piece.data)
        yield piece.data
