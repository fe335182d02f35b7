"""Answers that are remembered are those that the clock does not change, and only so long."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.clock import MINUTE, SECOND
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.runners import JobOrder, Result
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.fakes import a_report
from tests.scenarios.conftest import House

JOB = "/api/v2/project/gh/acme/web/job/1"
ARTIFACTS = "/api/v2/project/gh/acme/web/1/artifacts"


@pytest.fixture
async def client(house: House) -> AsyncIterator[Client]:
    token = (house.folder / "admin-token").read_text().strip()
    yield Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


@pytest.fixture
async def order(house: House) -> JobOrder:
    """A job that a runner has, with one artifact."""
    await house.trigger()
    order = await house.runner.claim()
    assert order is not None

    async def pieces() -> AsyncIterator[bytes]:
        yield b"kept"

    await house.engine.runners.report(order.lease, [a_report()])
    blob = await house.engine.runners.upload(order.lease, pieces())
    await house.engine.runners.keep_artifact(order.lease, "a.txt", blob)
    return order


async def get(client: Client, target: str) -> Any:
    answer = await client.get(target)
    assert answer.status == 200, answer
    return answer.json()


async def test_a_running_jobs_duration_grows_and_an_ended_ones_stays(
    house: House, client: Client, order: JobOrder
) -> None:
    before = await get(client, JOB)
    house.clock.forward(7 * SECOND)
    assert (await get(client, JOB))["duration"] == before["duration"] + 7_000
    await house.engine.runners.finish(order.lease, Result(status=ExecutionStatus.SUCCESS))
    ended = await get(client, JOB)
    house.clock.forward(7 * SECOND)
    assert await get(client, JOB) == ended
    assert (ended["status"], ended["duration"] >= 7_000) == ("success", True)


async def test_an_artifacts_address_is_renewed_before_it_is_too_old(
    house: House, client: Client, order: JobOrder
) -> None:
    await house.engine.runners.finish(order.lease, Result(status=ExecutionStatus.SUCCESS))
    stranger = Client(client.api)
    seen = set()
    for _ in range(10):
        (shown,) = (await get(client, ARTIFACTS))["items"]
        path = shown["url"].partition("/api/")[2]
        assert (await stranger.get(f"/api/{path}")).status == 200
        house.clock.forward(9 * MINUTE)
        assert (await stranger.get(f"/api/{path}")).status == 200
        seen.add(path)
    assert len(seen) == 10
