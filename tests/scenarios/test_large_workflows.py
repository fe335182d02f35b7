"""Workflows whose endings are decided from a part of them."""

from roundel.domain.jobs import ExecutionStatus
from tests.builders import a_plan
from tests.scenarios.conftest import House

WIDTH = 30


async def test_what_an_ending_does_not_concern_stays_as_it_is(house: House) -> None:
    plan = a_plan("first", "second", "third<first", "both<third,second")
    pipeline = await house.trigger(plan)
    order = await house.runner.claim()
    other = await house.runner.claim()
    assert order is not None and other is not None and other.job_name == "second"

    await house.runner.carry_out(other)

    _, jobs = await house.statuses(pipeline)
    assert (jobs["third"], jobs["both"]) == ("blocked", "blocked")
    await house.runner.carry_out(order)
    await house.runner.run_all()
    assert (await house.statuses(pipeline))[0] == "success"


async def test_a_job_that_requires_many_starts_with_the_last_of_them(house: House) -> None:
    before = [f"j{n}" for n in range(WIDTH)]
    pipeline = await house.trigger(a_plan(*before, f"last<{','.join(before)}"))
    orders = [await house.runner.claim() for _ in before]

    # In an order that is nobody's: what was remembered as open ends early and late.
    for number, order in enumerate(sorted(orders, key=lambda it: it.job_name[::-1] if it else "")):
        assert order is not None
        assert (await house.statuses(pipeline))[1]["last"] == "blocked", number
        await house.runner.carry_out(order)

    await house.runner.run_all()
    assert house.runner.done[-1] == "last"
    assert (await house.statuses(pipeline))[0] == "success"


async def test_a_job_that_requires_many_is_dropped_with_the_first_that_fails(house: House) -> None:
    before = [f"j{n}" for n in range(WIDTH)]
    pipeline = await house.trigger(a_plan(*before, f"last<{','.join(before)}", "after<last"))
    await house.runner.run_one()
    house.runner.endings = {"j1": ExecutionStatus.FAILED}

    await house.runner.run_one()

    status, jobs = await house.statuses(pipeline)
    assert status == "failing"
    assert (jobs["last"], jobs["after"]) == ("not_run", "not_run")
