"""Rate limits: what every answer says of them, and who is refused when."""

from dataclasses import replace

import pytest

from roundel.api.app import create_api
from roundel.domain.clock import MINUTE, SECOND
from roundel.domain.limits import LimitClass
from tests.api.client import Client
from tests.api.conftest import SETTINGS, Town

FEW = {LimitClass.READ: 3, LimitClass.WRITE: 1, LimitClass.COMPILE: 2}


@pytest.fixture
def strict(town: Town) -> Town:
    town.api = create_api(town.world, town.world, replace(SETTINGS, limits=FEW))
    return town


async def test_answers_say_the_limit_what_is_left_and_when_it_begins_anew(strict: Town):
    into = strict.world.clock.at % MINUTE
    strict.world.clock.pass_by(MINUTE - into + 20 * SECOND)
    answer = await strict.client().get("/api/v2/me")
    assert answer.status == 200
    for left in ("ratelimit-", "x-ratelimit-"):
        right = "-minute" if left.startswith("x") else ""
        assert answer.headers[f"{left}limit{right}"] == "3"
        assert answer.headers[f"{left}remaining{right}"] == "2"
        assert answer.headers[f"{left}reset{right}"] == "40"


async def test_who_asks_too_often_is_told_when_to_come_back_and_is_served_then(strict: Town):
    client = strict.client()
    statuses = [(await client.get("/api/v2/me")).status for _ in range(3)]
    assert statuses == [200, 200, 200]
    refused = await client.get("/api/v2/me")
    assert refused.status == 429
    assert refused.message == "Rate limit exceeded."
    assert refused.headers["ratelimit-remaining"] == "0"
    assert refused.headers["retry-after"] == refused.headers["ratelimit-reset"]
    strict.world.clock.pass_by(int(refused.headers["retry-after"]) * SECOND)
    assert (await client.get("/api/v2/me")).status == 200


async def test_each_token_and_each_class_of_operations_counts_for_itself(strict: Town):
    client = strict.client()
    for _ in range(3):
        await client.get("/api/v2/me")
    assert (await client.get("/api/v2/me")).status == 429
    assert (await client.post("/api/v2/project/gh/acme/web/pipeline", {})).status == 201
    assert (await client.post("/api/v2/project/gh/acme/web/pipeline", {})).status == 429
    assert (await strict.client("vic").get("/api/v2/me")).status == 200


async def test_those_without_a_good_token_share_a_window_so_that_guessing_is_slow(strict: Town):
    for token in ("wrong-1", "wrong-2", "wrong-3"):
        assert (await Client(strict.api, token).get("/api/v2/me")).status == 401
    assert (await Client(strict.api, "wrong-4").get("/api/v2/me")).status == 429
    assert (await strict.client().get("/api/v2/me")).status == 200


async def test_the_compiler_has_a_limit_of_its_own(strict: Town):
    body = {"config_yaml": "version: 2.1"}
    path = "/api/v2/compile-config-with-defaults"
    statuses = [(await strict.client(None).post(path, body)).status for _ in range(3)]
    assert statuses == [200, 200, 429]


async def test_a_limit_of_zero_is_none(town: Town):
    town.api = create_api(town.world, town.world, replace(SETTINGS, limits={LimitClass.READ: 0}))
    answer = await town.client().get("/api/v2/me")
    assert answer.status == 200
    assert "ratelimit-limit" not in answer.headers
