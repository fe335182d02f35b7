"""How a runner is called for a shell and calls back, in the same process and over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from roundel.api.runner.verbs import VERBS
from roundel.domain.errors import LeaseLost, Unavailable
from roundel.domain.shells import WindowSize
from tests.contracts.servers import Served, claimed, served
from tests.scenarios.conftest import House


@pytest.fixture(params=["local", "http"])
async def there(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Served]:
    house = House(tmp_path / "data", shells=True)
    await house.open()
    async with served(house, request.param) as there:
        yield there
    await house.engine.stop()


async def test_a_runner_is_called_for_a_shell_and_calls_back(there: Served) -> None:
    order = await claimed(there)
    desk = there.house.engine.shell_desk
    assert desk is not None
    execution, size = order.lease.execution_id, WindowSize(columns=70, rows=20)
    async with asyncio.timeout(20):
        with desk.waits(execution, size) as meeting:
            assert (await there.server.called(order.lease)).shell_wanted
            async with there.server.shell(order.lease) as line:
                assert line is not None
                assert line.size == size
                await meeting.type(b"ls\r")
                assert await line.heard() == b"ls\r"
                await meeting.type(WindowSize(columns=60, rows=10))
                assert await line.heard() == WindowSize(columns=60, rows=10)
                long = b"x" * 200_000
                await line.say(long)
                said = b""
                while len(said) < len(long):
                    said += await meeting.printed() or b""
                assert said == long
                await line.end("that is all")
            assert await meeting.printed() is None
            assert meeting.why == "that is all"
        async with there.server.shell(order.lease) as line:
            assert line is None


async def test_each_end_of_a_shell_hears_when_the_other_is_gone(there: Served) -> None:
    order = await claimed(there)
    desk = there.house.engine.shell_desk
    assert desk is not None
    async with asyncio.timeout(20):
        with desk.waits(order.lease.execution_id, WindowSize()) as meeting:
            async with there.server.shell(order.lease) as line:
                assert line is not None
                meeting.hang_up()
                assert await line.heard() is None
        with desk.waits(order.lease.execution_id, WindowSize()) as meeting:
            async with there.server.shell(order.lease) as line:
                assert line is not None
            assert await meeting.printed() is None
            assert meeting.why


async def test_nobody_else_than_its_runner_calls_back_for_a_job(there: Served) -> None:
    order = await claimed(there)
    desk = there.house.engine.shell_desk
    assert desk is not None
    strange = replace(order.lease, fence=order.lease.fence + 1)
    with desk.waits(order.lease.execution_id, WindowSize()) as meeting:
        with pytest.raises((LeaseLost, Unavailable)):
            async with there.server.shell(strange):
                raise AssertionError("a stranger is on the line")
        assert not meeting.joined.is_set()


async def test_a_server_of_before_there_were_shells_still_tells_of_a_cancel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(VERBS, "called")
    house = House(tmp_path / "data")
    await house.open()
    async with served(house, "http") as there:
        order = await claimed(there)
        watching = asyncio.create_task(there.server.called(order.lease))
        job = await house.engine.reads.execution(order.lease.execution_id)
        assert job is not None
        await house.use.cancel_job(job.job_id, house.admin)
        async with asyncio.timeout(10):
            assert (await watching).cancel
    await house.engine.stop()
