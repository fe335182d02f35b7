"""Idempotency keys: a POST that comes again is carried out once."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.clock import DAY, HOUR
from tests.api.client import Answer, Client
from tests.api.conftest import SETTINGS
from tests.scenarios.conftest import House

TRIGGER = "/api/v2/project/gh/acme/web/pipeline"


class Caller:
    """Sends requests to a house, with a key or without."""

    def __init__(self, house: House) -> None:
        self.house = house
        api = create_api(house.engine, UseCases(house.engine), SETTINGS)
        self.client = Client(api, (house.folder / "admin-token").read_text().strip())

    async def post(self, path: str, body: object, key: str) -> Answer:
        answer = await self.client.post(path, body, idempotency_key=key)
        await self.house.engine.ticks.settled()
        return answer

    async def pipelines(self) -> int:
        return len(await self.house.rows("SELECT id FROM pipeline"))


@pytest.fixture
async def caller(house: House) -> AsyncIterator[Caller]:
    yield Caller(house)


async def test_the_same_request_under_the_same_key_is_answered_as_before(caller: Caller) -> None:
    first = await caller.post(TRIGGER, {"branch": "main"}, "k-1")
    again = await caller.post(TRIGGER, {"branch": "main"}, "k-1")
    assert first.status == again.status == 201
    assert again.body == first.body
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await caller.pipelines() == 1
    other = await caller.post(TRIGGER, {"branch": "main"}, "k-2")
    assert other.json()["id"] != first.json()["id"]


async def test_of_many_at_once_one_is_carried_out(caller: Caller) -> None:
    answers = await asyncio.gather(
        *(caller.client.post(TRIGGER, {"branch": "main"}, idempotency_key="k") for _ in range(8))
    )
    await caller.house.engine.ticks.settled()
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status == 201}) == 1
    assert await caller.pipelines() == 1


async def test_another_request_under_a_used_key_is_refused(caller: Caller) -> None:
    await caller.post(TRIGGER, {"branch": "main"}, "k")
    answer = await caller.post(TRIGGER, {"parameters": {"deploy": True}}, "k")
    assert answer.status == 422
    assert "another request" in answer.message
    assert await caller.pipelines() == 1


async def test_a_refused_request_may_be_mended_under_its_key(caller: Caller) -> None:
    wrong = await caller.post(TRIGGER, {"branch": "main", "tag": "v1"}, "k")
    assert wrong.status == 400
    assert (await caller.post(TRIGGER, {"branch": "main"}, "k")).status == 201


async def test_a_key_is_forgotten_after_a_day(caller: Caller) -> None:
    await caller.post(TRIGGER, {"branch": "main"}, "k")
    caller.house.clock.forward(DAY + HOUR)
    assert (await caller.post(TRIGGER, {"branch": "main"}, "k")).status == 201
    assert await caller.pipelines() == 2


async def test_old_keys_do_not_pile_up(caller: Caller) -> None:
    await caller.post(TRIGGER, {"branch": "main"}, "k")
    caller.house.clock.forward(DAY + HOUR)
    await caller.house.engine.ticks.tick()
    await caller.house.engine.ticks.settled()
    assert await caller.house.rows("SELECT key FROM idempotency") == []


async def test_a_token_that_was_answered_once_is_not_readable_in_the_database(
    caller: Caller,
) -> None:
    made = await caller.post("/api/roundel/token", {}, "k")
    assert made.status == 201, made
    text = made.json()["token"]
    again = await caller.post("/api/roundel/token", {}, "k")
    assert again.json()["token"] == text
    assert text not in await caller.house.dump()


async def test_a_key_that_is_too_long_is_refused(caller: Caller) -> None:
    answer = await caller.post(TRIGGER, {}, "k" * 256)
    assert answer.status == 400
    assert "Idempotency-Key" in answer.message
