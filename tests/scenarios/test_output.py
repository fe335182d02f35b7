"""Output: followed while it comes, read back afterwards, sealed in the end."""

import asyncio

from roundel.domain.clock import MINUTE, Micros
from roundel.domain.ids import ExecutionId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.runners import JobOrder, Result, StepStatus
from roundel.services.output import INLINE_BYTES
from roundel.services.sealing import INDEX_FROM_BYTES
from tests.builders import a_plan
from tests.fakes import a_chunk, a_report
from tests.scenarios.conftest import House

LARGE = bytes(range(256)) * (INLINE_BYTES // 128)


async def started(house: House) -> JobOrder:
    await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None
    await house.engine.runners.report(order.lease, [a_report()])
    return order


async def end(house: House, order: JobOrder) -> None:
    over = a_report(status=StepStatus.SUCCESS, exit_code=0, ended_at=Micros(1_900_000_000_000_000))
    await house.engine.runners.report(order.lease, [over])
    await house.engine.runners.finish(order.lease, Result(status=ExecutionStatus.SUCCESS))


async def everything(house: House, execution: ExecutionId, offset: int = 0) -> bytes:
    pieces = [p async for p in house.engine.logs.read(execution, 0, offset=offset)]
    at = offset
    for piece in pieces:
        assert piece.offset == at
        at += len(piece.data)
    return b"".join(piece.data for piece in pieces)


async def test_a_reader_that_follows_gets_output_as_it_comes_and_ends_with_the_step(
    house: House,
) -> None:
    order = await started(house)
    execution = order.lease.execution_id
    arrived: list[bytes] = []
    first = asyncio.Event()

    async def follow() -> None:
        async for piece in house.engine.logs.read(execution, 0, follow=True):
            arrived.append(piece.data)
            first.set()

    follows = asyncio.create_task(follow())
    await house.engine.runners.chunk(order.lease, [a_chunk(b"one ")])
    await asyncio.wait_for(first.wait(), 1)
    assert arrived == [b"one "]
    await house.engine.runners.chunk(order.lease, [a_chunk(b"two", number=1)])
    await end(house, order)
    await asyncio.wait_for(follows, 1)
    assert b"".join(arrived) == b"one two"


async def test_many_pieces_small_and_large_come_back_in_order(house: House) -> None:
    order = await started(house)
    pieces = [LARGE if number % 7 == 0 else b"%d\n" % number for number in range(200)]
    chunks = [a_chunk(data, number=number) for number, data in enumerate(pieces)]
    for first in range(0, 200, 20):
        await house.engine.runners.chunk(order.lease, chunks[first : first + 20])
    whole = b"".join(pieces)
    execution = order.lease.execution_id
    assert await everything(house, execution) == whole
    for offset in (1, len(LARGE) - 1, len(LARGE), len(whole) // 2, len(whole)):
        assert await everything(house, execution, offset) == whole[offset:]


async def test_sealed_output_reads_the_same_and_leaves_one_object(house: House) -> None:
    order = await started(house)
    pieces = [LARGE, b"x" * 5000, LARGE, b"end\n"]
    chunks = [a_chunk(data, number=number) for number, data in enumerate(pieces)]
    await house.engine.runners.chunk(order.lease, chunks)
    await end(house, order)
    house.clock.forward(2 * MINUTE)
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()

    execution = order.lease.execution_id
    blobs = [path.name for path in (house.folder / "blobs").rglob("*") if path.is_file()]
    assert blobs == ["sealed"]
    whole = b"".join(pieces)
    assert await everything(house, execution) == whole
    assert await everything(house, execution, len(LARGE) + 7) == whole[len(LARGE) + 7 :]


async def test_sealed_output_has_an_index_of_its_lines_beside_it_if_it_is_long(
    house: House,
) -> None:
    order = await started(house)
    piece = b"a line of output\n" * 4000
    count = INDEX_FROM_BYTES // len(piece) + 1
    chunks = [a_chunk(piece, number=number) for number in range(count)]
    await house.engine.runners.chunk(order.lease, chunks)
    execution = order.lease.execution_id
    assert await house.engine.logs.line_index(execution, 0) is None
    await end(house, order)
    house.clock.forward(2 * MINUTE)
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()
    index = await house.engine.logs.line_index(execution, 0)
    assert index is not None
    assert (index.total, index.size) == (4000 * count, len(piece) * count)
    _, offset = index.before(4000)
    assert (await everything(house, execution, offset)).startswith(b"a line of output\n")


async def test_small_output_stays_where_it_is(house: House) -> None:
    order = await started(house)
    await house.engine.runners.chunk(order.lease, [a_chunk(b"hi\n")])
    await end(house, order)
    house.clock.forward(2 * MINUTE)
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()
    assert not (house.folder / "blobs").exists()
    assert await everything(house, order.lease.execution_id) == b"hi\n"


async def test_a_step_that_never_was_has_no_output(house: House) -> None:
    pieces = [p async for p in house.engine.logs.read(ExecutionId("nope"), 0, follow=True)]
    assert pieces == []
