"""A shell where the browser is at one server and the runner at another of the same database."""

import asyncio
import base64
from pathlib import Path

import pytest

from roundel.domain.errors import IllegalMove
from roundel.domain.runners import Secret
from roundel.services.shells import open_shell
from tests.fakes import a_report
from tests.postgres import Cluster
from tests.scenarios.conftest import House
from tests.scenarios.test_shells import running, wish

pytestmark = pytest.mark.postgresql

KEY = Secret(base64.b64encode(b"k" * 32).decode())


@pytest.fixture
async def houses(tmp_path: Path, postgres: Cluster):
    url = postgres.fresh()
    one = House(tmp_path / "one", url, shells=True, master_key=KEY)
    await one.open()
    two = House(tmp_path / "two", url, shells=True, master_key=KEY)
    await two.engine.start()
    yield one, two
    await two.engine.stop()
    await one.engine.stop()
    postgres.drop(url)


async def test_a_call_at_another_server_arrives_and_the_runner_finds_the_person(houses):
    one, two = houses
    job, order = await running(one)

    async def runner() -> bytes:
        """Wait at one server, call back at both in turns, as a balancer may lead it."""
        for server in (two, two, one, one):
            orders = await two.engine.runners.called(order.lease)
            assert orders.shell_wanted
            async with server.engine.runners.shell(order.lease) as line:
                if line is not None:
                    typed = await line.heard()
                    assert isinstance(typed, bytes)
                    await line.say(typed.upper())
                    return typed
        raise AssertionError("nobody was there")

    async with asyncio.timeout(30):
        calling = asyncio.create_task(runner())
        async with open_shell(wish(job, one.admin), one.engine) as meeting:
            await meeting.type(b"here")
            assert await meeting.printed() == b"HERE"
        assert await calling == b"here"


async def test_a_runner_that_reaches_only_the_other_server_is_told_of(houses):
    one, two = houses
    job, order = await running(one)
    await two.engine.runners.report(order.lease, [a_report()])
    assert one.engine.shell_desk is not None
    one.engine.shell_desk.dial_seconds = 0.5
    with pytest.raises(IllegalMove, match="several servers have one address"):
        async with open_shell(wish(job, one.admin), one.engine):
            raise AssertionError("the runner is not here")
