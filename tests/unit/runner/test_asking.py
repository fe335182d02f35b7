"""Several questions for jobs at once, and what becomes of answers that are lost."""

import asyncio
from collections.abc import Collection

import pytest

from roundel.domain.errors import NotAllowed
from roundel.domain.ids import ExecutionId, RunnerId
from roundel.domain.runners import JobOrder, Offer
from roundel.runner.asking import MOST_AT_ONCE, Asking
from tests.fake_server import an_order

OFFER = Offer(runner_id=RunnerId("r1"), wait_seconds=20.0)


class Desk:
    """A server that has orders to give out, and a network that may cut answers off."""

    def __init__(self, orders: int) -> None:
        self.orders = [an_order("true") for _ in range(orders)]
        self.waits: list[float] = []  # of the questions, as they came
        self.lost: set[int] = set()  # whose answers are lost, by the number of the question
        self.refuses = False
        self.on_the_way = 0
        self.most = 0
        self.settled: list[tuple[frozenset[ExecutionId], int]] = []

    async def claim(self, offer: Offer) -> JobOrder | None:
        number = len(self.waits)
        self.waits.append(offer.wait_seconds)
        self.on_the_way += 1
        self.most = max(self.most, self.on_the_way)
        try:
            await asyncio.sleep(0)  # others may ask meanwhile
            if self.refuses:
                raise NotAllowed("the token is revoked")
            order = self.orders.pop() if self.orders else None
            if number in self.lost:
                raise ConnectionError("cut off")
            return order
        finally:
            self.on_the_way -= 1

    async def settle(self, runner_id: RunnerId, holds: Collection[ExecutionId]) -> None:
        del runner_id
        self.settled.append((frozenset(holds), self.on_the_way))


class Slots:
    """What a runner does with orders."""

    def __init__(self, desk: Desk) -> None:
        self.taken: list[ExecutionId] = []
        self.asking = Asking(desk, OFFER, lambda: frozenset(self.taken), self.take)  # type: ignore[arg-type]

    async def take(self, order: JobOrder) -> None:
        self.taken.append(order.lease.execution_id)


async def test_a_runner_that_waits_asks_once_however_many_slots_are_free() -> None:
    desk = Desk(0)
    slots = Slots(desk)
    for _ in range(3):
        await slots.asking.ask(32)
    assert (desk.most, desk.waits) == (1, [20.0] * 3)


@pytest.mark.parametrize(
    ("free", "times"),
    [(1, [1, 1, 1]), (3, [1, 2, 3, 3]), (32, [1, 2, 4, MOST_AT_ONCE, MOST_AT_ONCE])],
)
async def test_the_more_work_comes_the_more_is_asked_for_at_once(
    free: int, times: list[int]
) -> None:
    desk = Desk(sum(times))
    slots = Slots(desk)
    for at_once in times:
        desk.most, before, asked = 0, len(slots.taken), len(desk.waits)
        await slots.asking.ask(free)
        assert (desk.most, len(slots.taken)) == (at_once, before + at_once)
        assert sorted(desk.waits[asked:]) == [0.0] * (at_once - 1) + [20.0]


async def test_a_job_now_and_then_costs_one_question_more() -> None:
    desk = Desk(1)
    slots = Slots(desk)
    await slots.asking.ask(32)
    for _ in range(2):
        await slots.asking.ask(32)
    assert desk.waits == [20.0, 20.0, 0.0, 20.0]


async def test_after_a_lost_answer_the_server_hears_what_there_is_before_more_is_asked() -> None:
    desk = Desk(9)
    slots = Slots(desk)
    await slots.asking.ask(4)
    await slots.asking.ask(4)
    desk.lost = {5}  # one of those that are asked beside the one that waits
    await slots.asking.ask(4)
    assert len(slots.taken) == 6
    held = frozenset(slots.taken)
    await slots.asking.ask(4)
    assert desk.settled == [(held, 0)]
    assert desk.waits[7:] == [20.0]
    assert len(slots.taken) == 7


async def test_a_lost_answer_to_the_question_that_waits_is_asked_for_again() -> None:
    desk = Desk(3)
    slots = Slots(desk)
    desk.lost = {0}
    await slots.asking.ask(4)
    assert desk.settled == [(frozenset(), 0)]
    assert len(slots.taken) == 1


async def test_a_refusal_is_told_and_leaves_no_question_behind() -> None:
    desk = Desk(2)
    slots = Slots(desk)
    await slots.asking.ask(4)
    desk.refuses = True
    with pytest.raises(NotAllowed):
        await slots.asking.ask(4)
    assert desk.on_the_way == 0


async def test_a_runner_that_leaves_takes_its_questions_back() -> None:
    desk = Desk(2)
    slots = Slots(desk)
    await slots.asking.ask(4)
    asking = asyncio.create_task(slots.asking.ask(4))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert (asking.cancelled(), desk.on_the_way) == (True, 0)
