"""A job that somebody cancels and whose runner is lost as well ends canceled, and runs no more."""

import asyncio
import contextlib

import pytest

from roundel.domain.clock import SECOND
from roundel.domain.runners import LEASE_SECONDS, JobOrder, Offer
from roundel.services.claim_desk import Draft
from roundel.services.work import App
from tests.builders import a_plan
from tests.fakes import a_report
from tests.scenarios.conftest import House


async def claimed(house: House, begun: bool) -> JobOrder:
    order = await house.runner.claim()
    assert order is not None
    if begun:
        await house.runner.server.report(order.lease, [a_report()])
    return order


@pytest.mark.parametrize("begun", [False, True], ids=["claimed", "begun"])
@pytest.mark.parametrize("how", ["silent", "restarted"])
async def test_a_canceled_job_whose_runner_is_lost_is_canceled(
    house: House, begun: bool, how: str
) -> None:
    pipeline = await house.trigger(a_plan("build"))
    await claimed(house, begun)
    await house.use.cancel_workflow((await house.workflow(pipeline)).id, house.admin)
    if how == "silent":
        house.clock.forward((LEASE_SECONDS + 1) * SECOND)
        await house.engine.ticks.tick()
    else:
        await house.runner.server.settle(house.runner.id, ())
    assert await house.statuses(pipeline) == ("canceled", {"build": "canceled"})
    assert await house.runner.claim() is None


async def test_a_job_that_is_canceled_while_its_claim_breaks_off_is_canceled(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = await house.trigger(a_plan("build"))
    desk, claimed, goes_on = house.engine.claim_desk, asyncio.Event(), asyncio.Event()
    draft_at_desk = desk.draft

    async def slowly(offer: Offer, app: App) -> Draft | None:
        draft = await draft_at_desk(offer, app)
        claimed.set()
        await goes_on.wait()
        return draft

    monkeypatch.setattr(desk, "draft", slowly)
    claiming = asyncio.create_task(house.runner.claim())
    await claimed.wait()
    await house.use.cancel_workflow((await house.workflow(pipeline)).id, house.admin)
    claiming.cancel()
    goes_on.set()
    with contextlib.suppress(asyncio.CancelledError):
        await claiming
    assert await house.statuses(pipeline) == ("canceled", {"build": "canceled"})
