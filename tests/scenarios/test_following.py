"""Following a pipeline: everything as it stands, then each change, to its end."""

import asyncio
import json

from starlette.types import ASGIApp

from roundel.api.app import create_api
from roundel.app import UseCases
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.scenarios.conftest import House
from tests.streaming import opened


def api_of(house: House) -> tuple[ASGIApp, dict[str, str]]:
    token = (house.folder / "admin-token").read_text().strip()
    return create_api(house.engine, UseCases(house.engine), SETTINGS), {"circle-token": token}


async def test_a_follower_hears_what_is_and_then_what_changes_until_the_end(house: House) -> None:
    pipeline = await house.trigger(a_plan("build", "deploy<build"))
    api, headers = api_of(house)
    async with opened(api, f"/api/v2/pipeline/{pipeline.id}/events", headers) as (stream, task):
        first = [await stream.event() for _ in range(4)]
        assert [it["event"] for it in first] == ["pipeline", "workflow", "job", "job"]
        assert json.loads(first[2]["data"])["status"] == "queued"
        assert len({it["id"] for it in first}) == 1
        await house.runner.run_all()
        seen = {}
        while seen.get("deploy") != "success":
            event = await stream.event()
            if event["event"] == "job":
                told = json.loads(event["data"])
                seen[told["name"]] = told["status"]
        assert seen["build"] == "success"
        await task  # all has ended, and so does the stream


async def test_who_comes_back_with_the_last_id_is_told_nothing_twice(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    api, headers = api_of(house)
    path = f"/api/v2/pipeline/{pipeline.id}/events"
    async with opened(api, path, headers) as (stream, _):
        last = (await stream.event())["id"]
    async with opened(api, path, {**headers, "last-event-id": last}) as (stream, _):
        await house.runner.run_all()
        event = await stream.event()
        assert event["id"] != last
        assert json.loads(event["data"]).get("status", "") != "queued"


async def test_many_followers_share_one_reader_which_ends_with_the_last(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    api, headers = api_of(house)
    path = f"/api/v2/pipeline/{pipeline.id}/events"
    readers = lambda: [it for it in asyncio.all_tasks() if "reader of" in it.get_name()]  # noqa: E731
    async with opened(api, path, headers) as (one, _), opened(api, path, headers) as (other, _):
        assert (await one.event())["id"] == (await other.event())["id"]
        assert len(readers()) == 1
    await asyncio.gather(*readers(), return_exceptions=True)
    assert readers() == []


async def test_a_stranger_may_not_follow(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    api, _ = api_of(house)
    async with opened(api, f"/api/v2/pipeline/{pipeline.id}/events", {}) as (stream, task):
        await task
        assert stream.status == 401
