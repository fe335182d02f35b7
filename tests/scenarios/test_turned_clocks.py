"""R9: a clock that is turned, or a machine that slept, costs no job and keeps no lost one alive."""

import pytest

from roundel.domain.clock import HOUR, MINUTE, SECOND
from roundel.domain.runners import LEASE_SECONDS, JobOrder
from tests.builders import a_plan
from tests.fakes import a_report
from tests.scenarios.conftest import House

LAPSE = (LEASE_SECONDS + 1) * SECOND


async def a_running_job(house: House) -> JobOrder:
    await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None
    await house.runner.server.report(order.lease, [a_report()])
    await house.engine.ticks.tick()
    return order


async def status(house: House) -> str:
    [(status,)] = await house.rows("SELECT status FROM job")
    return str(status)


@pytest.mark.parametrize("by", [HOUR, -HOUR, 8 * HOUR], ids=["ahead", "back", "slept"])
async def test_r9_a_running_job_goes_on_over_a_turned_clock(house: House, by: int) -> None:
    order = await a_running_job(house)
    house.clock.turn(by)
    for _ in range(4):
        await house.engine.ticks.tick()
        house.clock.forward(LEASE_SECONDS // 3 * SECOND)
        await house.runner.server.renew(order.lease)
    await house.runner.carry_out(order)
    assert await status(house) == "success"


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["ahead", "back"])
async def test_r9_a_runner_that_is_lost_then_is_found_as_soon_as_ever(
    house: House, by: int
) -> None:
    await a_running_job(house)
    house.clock.turn(by)
    await house.engine.ticks.tick()
    assert await status(house) == "running"
    house.clock.forward(LAPSE)
    await house.engine.ticks.tick()
    assert await status(house) == "infrastructure_fail"


async def test_r9_a_job_keeps_its_time_limit_on_a_clock_that_jumped_ahead(house: House) -> None:
    order = await a_running_job(house)
    house.clock.turn(8 * HOUR)
    await house.engine.ticks.tick()
    for passed, expected in ((4 * HOUR, "running"), (HOUR + 2 * MINUTE, "timedout")):
        async with house.unwatched():
            house.clock.forward(passed)
            await house.runner.server.renew(order.lease)
        await house.engine.ticks.tick()
        assert await status(house) == expected
