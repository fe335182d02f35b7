"""Shipments: steps that begin, their output, steps that end; durable when taken.

Chunks come in once each, in their order.
"""

from collections.abc import Mapping, Sequence

from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid
from roundel.domain.ids import ExecutionId
from roundel.domain.jobs import Execution, ExecutionStatus
from roundel.domain.runners import (
    Chunk,
    Lease,
    Orders,
    OutputEnd,
    PlacedChunk,
    Result,
    Shipment,
)
from roundel.services.claims import LEASE, held, holds
from roundel.services.results import begun, finish_execution, save_steps, take_report
from roundel.services.work import App, Tx, topic_of_output

INLINE_BYTES = 16 * 1024  # larger chunks become objects at once (docs/decisions/0004)


async def take_shipment(lease: Lease, shipment: Shipment, app: App) -> Orders:
    """Keep what a runner tells of a job, all of it or nothing; what we have already is left out."""
    at = app.clock.now()
    blobs = await _put_large(lease, shipment.chunks, app)

    def transaction(tx: Tx) -> Orders:
        execution = held(tx, lease)
        _keep(tx, execution, shipment, blobs, at)
        return Orders(cancel=execution.canceling)

    return await app.database.write(transaction)


async def take_end(lease: Lease, shipment: Shipment, result: Result, app: App) -> None:
    """Keep the last that a runner tells of a job, and end its execution.

    Said again, after an answer that was lost, it changes nothing.
    """
    at = app.clock.now()
    blobs = await _put_large(lease, shipment.chunks, app)

    def transaction(tx: Tx) -> None:
        execution = tx.executions.get(lease.execution_id)
        just_begun = False
        if execution is not None and holds(lease, execution):
            if _begins_and_ends(execution, shipment, result):
                execution, just_begun = begun(execution, at), True
            execution = _keep(tx, execution, shipment, blobs, at)
        finish_execution(tx, lease, execution, result, at, just_begun=just_begun)

    await app.database.write(transaction)


def _begins_and_ends(execution: Execution, shipment: Shipment, result: Result) -> bool:
    """Tell whether the last shipment is the first as well, so that nobody sees the job run.

    A failure of ours may be tried again, which begins with what is in the database.
    """
    told = bool(shipment.begun or shipment.ended)
    ours = result.status is ExecutionStatus.INFRASTRUCTURE_FAIL
    return told and execution.status is ExecutionStatus.CLAIMED and not ours


def _keep(
    tx: Tx,
    execution: Execution,
    shipment: Shipment,
    blobs: Mapping[tuple[int, int], str],
    at: Micros,
) -> Execution:
    """Keep a shipment; return the execution as it is then."""
    ended = {step.index: step for step in shipment.ended}
    # Of a step that began and ended since, its end says all.
    begun = [ended.pop(step.index, step) for step in shipment.begun]
    if shipment.begun or shipment.ended:
        execution = take_report(tx, execution, begun, Micros(at + LEASE), at)
    if shipment.chunks:
        tx.steps.append(execution.id, _placed(tx, execution.id, shipment.chunks, blobs))
    save_steps(tx, execution.id, tuple(ended.values()))
    return execution


async def _put_large(
    lease: Lease, chunks: Sequence[Chunk], app: App
) -> Mapping[tuple[int, int], str]:
    blobs: dict[tuple[int, int], str] = {}
    for chunk in chunks:
        if len(chunk.data) > INLINE_BYTES:
            # Under the lease's fence: a late writer of a lost lease cannot touch our object.
            name = f"output/{lease.execution_id}/{chunk.step}/{chunk.number}-{lease.fence}"
            await app.blobs.put(name, chunk.data)
            blobs[chunk.step, chunk.number] = name
    return blobs


def _placed(
    tx: Tx,
    execution_id: ExecutionId,
    chunks: Sequence[Chunk],
    blobs: Mapping[tuple[int, int], str],
) -> list[PlacedChunk]:
    """Return the chunks that are new; refuse those between which and what is there some miss."""
    placed = []
    ends = dict(tx.steps.output_ends(execution_id, {chunk.step for chunk in chunks}))
    for chunk in chunks:
        step, number, end = chunk.step, chunk.number, ends.get(chunk.step)
        if end is None:
            raise Invalid(f"step {step} was never reported, so it has no output")
        if number > end.next_chunk:
            raise Invalid(f"step {step}: chunk {number} came before chunk {end.next_chunk}")
        if number == end.next_chunk:
            placed.append(PlacedChunk(chunk, end.size, blobs.get((step, number))))
            ends[step] = OutputEnd(number + 1, end.size + len(chunk.data))
            tx.wake(topic_of_output(execution_id, step))
    return placed
