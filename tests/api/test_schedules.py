"""Schedules over the API and the real store."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from tests.api.client import Answer, Client
from tests.api.conftest import SETTINGS
from tests.api.world import an_id
from tests.scenarios.conftest import House

OF_PROJECT = "/api/v2/project/gh/acme/web/schedule"
NIGHTLY: dict[str, Any] = {
    "name": "nightly",
    "description": "every night",
    "attribution-actor": "current",
    "timetable": {"per-hour": 1, "hours-of-day": [1, 2], "days-of-week": ["MON", "SUN"]},
    "parameters": {"branch": "main", "deep": True, "count": 3},
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "data")
    await house.open()
    yield house
    await house.engine.stop()


@pytest.fixture
def client(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


async def patch(client: Client, schedule_id: str, body: Any) -> Answer:
    headers = {"content_type": "application/json"}
    raw = json.dumps(body).encode()
    return await client.send("PATCH", f"/api/v2/schedule/{schedule_id}", raw, headers)


async def test_a_schedule_is_made_listed_shown_and_removed(house: House, client: Client):
    made = await client.post(OF_PROJECT, NIGHTLY)
    assert made.status == 201, made
    shown = made.json()
    assert {key: shown[key] for key in ("name", "description", "timetable", "parameters")} == {
        key: NIGHTLY[key] for key in ("name", "description", "timetable", "parameters")
    }
    assert shown["project-slug"] == "gh/acme/web"
    assert shown["actor"] == {
        "id": house.admin.id,
        "login": "admin",
        "name": house.admin.name,
    }
    one = f"/api/v2/schedule/{shown['id']}"
    assert (await client.get(one)).json() == shown
    assert (await client.get(OF_PROJECT)).json() == {"items": [shown], "next_page_token": None}
    removed = await client.send("DELETE", one)
    assert (removed.status, set(removed.json())) == (200, {"message"})
    assert (await client.get(one)).status == 404
    assert (await client.get(OF_PROJECT)).json()["items"] == []


async def test_what_is_named_changes_and_the_rest_stays(client: Client):
    shown = (await client.post(OF_PROJECT, NIGHTLY)).json()
    changed = await patch(
        client,
        shown["id"],
        {"name": "monthly", "timetable": {"days-of-month": [1]}, "attribution-actor": "system"},
    )
    assert changed.status == 200, changed
    body = changed.json()
    assert body["name"] == "monthly"
    assert body["description"] == "every night"
    assert body["timetable"] == {"per-hour": 1, "hours-of-day": [1, 2], "days-of-month": [1]}
    assert body["actor"]["login"] == "system-actor"
    assert body["created-at"] == shown["created-at"]
    assert (await patch(client, shown["id"], {"description": None})).json()["description"] is None
    assert (await patch(client, an_id(), {})).status == 404


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " "}, "name"),
        ({"parameters": {"deep": True}}, "either branch or tag"),
        ({"parameters": {"branch": "a", "tag": "b"}}, "either branch or tag"),
        ({"parameters": {"branch": 7}}, "branch must be a text"),
        ({"attribution-actor": "me"}, "attribution-actor"),
        ({"timetable": {"per-hour": 1, "hours-of-day": [1]}}, "days-of-week"),
        (
            {"timetable": {"per-hour": 61, "hours-of-day": [1], "days-of-week": ["MON"]}},
            "per-hour",
        ),
        (
            {"timetable": {"per-hour": 1, "hours-of-day": [1], "days-of-week": ["XXX"]}},
            "days-of-week",
        ),
        ({"timetable": None}, "timetable"),
    ],
)
async def test_a_schedule_that_makes_no_sense_is_refused(
    client: Client, changes: dict[str, object], words: str
):
    answer = await client.post(OF_PROJECT, {**NIGHTLY, **changes})
    assert (answer.status, words in answer.message) == (400, True), answer
    shown = (await client.post(OF_PROJECT, NIGHTLY)).json()
    if "timetable" not in changes:
        assert (await patch(client, shown["id"], changes)).status == 400
    assert (await client.get(f"/api/v2/schedule/{shown['id']}")).json() == shown


async def test_schedules_come_in_pages(client: Client):
    for number in range(25):
        await client.post(OF_PROJECT, {**NIGHTLY, "name": f"n{number}"})
    first = (await client.get(OF_PROJECT)).json()
    token = first["next_page_token"]
    second = (await client.get(f"{OF_PROJECT}?page-token={token}")).json()
    names = [it["name"] for it in first["items"] + second["items"]]
    assert names == [f"n{number}" for number in range(25)]
    assert second["next_page_token"] is None


@pytest.mark.spec
async def test_schedules_are_as_published(client: Client):
    from tests.api.test_published_schema import validator

    made = await client.post(OF_PROJECT, NIGHTLY)
    of_project = "/project/{project-slug}/schedule"
    one = "/schedule/{schedule-id}"
    validator("post", of_project, "201").validate(made.json())
    validator("get", of_project, "200").validate((await client.get(OF_PROJECT)).json())
    target = f"/api/v2/schedule/{made.json()['id']}"
    validator("get", one, "200").validate((await client.get(target)).json())
    monthly = {"timetable": {"days-of-month": [1], "months": ["JAN"]}}
    changed = await patch(client, made.json()["id"], monthly)
    validator("patch", one, "200").validate(changed.json())
    removed = await client.send("DELETE", target)
    validator("delete", one, "200").validate(removed.json())
