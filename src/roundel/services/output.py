"""Output: chunks of steps come in once each, in their order, and are durable when taken."""

from collections.abc import Sequence

from roundel.domain.errors import Invalid
from roundel.domain.ids import ExecutionId
from roundel.domain.runners import Chunk, Lease, Orders
from roundel.services.claims import held
from roundel.services.work import App, Tx, topic_of_output

INLINE_BYTES = 16 * 1024  # larger chunks become objects at once (docs/decisions/0004)


async def take_chunks(lease: Lease, chunks: Sequence[Chunk], app: App) -> Orders:
    """Keep output; a chunk that we have already is left out."""
    blobs: dict[tuple[int, int], str] = {}
    for chunk in chunks:
        if len(chunk.data) > INLINE_BYTES:
            # Under the lease's fence: a late writer of a lost lease cannot touch our object.
            name = f"output/{lease.execution_id}/{chunk.step}/{chunk.number}-{lease.fence}"
            await app.blobs.put(name, chunk.data)
            blobs[chunk.step, chunk.number] = name

    def transaction(tx: Tx) -> Orders:
        execution = held(tx, lease)
        for chunk in chunks:
            _append(tx, execution.id, chunk, blobs.get((chunk.step, chunk.number)))
        return Orders(cancel=execution.canceling)

    return await app.database.write(transaction)


def _append(tx: Tx, execution_id: ExecutionId, chunk: Chunk, blob: str | None) -> None:
    if tx.steps.append(execution_id, chunk, blob):
        tx.wake(topic_of_output(execution_id, chunk.step))
        return
    due = tx.steps.next_chunk(execution_id, chunk.step)
    if due is None:
        raise Invalid(f"step {chunk.step} was never reported, so it has no output")
    if chunk.number > due:
        raise Invalid(f"step {chunk.step}: chunk {chunk.number} came before chunk {due}")
