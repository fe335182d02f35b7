"""Who may what: five forms of a token, roles, scopes, and two organisations apart."""

import base64

import pytest

from roundel.domain.access import Need
from roundel.domain.clock import SECOND
from tests.api.client import Client
from tests.api.conftest import Town

ME = "/api/v2/me"
PROJECT = "/api/v2/project/gh/acme/web"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        (ME, {"circle_token": "ada"}),
        (ME, {"Circle_Token": " ada "}),
        (ME, {"authorization": basic("ada:")}),
        (ME, {"authorization": basic("ada")}),
        (ME, {"authorization": "Bearer ada"}),
        (ME, {"authorization": "bearer   ada"}),
        (ME, {"authorization": "ada"}),
        (ME + "?circle-token=ada", {}),
        (ME, {"circle_token": "ada", "authorization": basic("ada:")}),
        (ME, {"circle_token": "", "authorization": basic("ada:")}),
    ],
)
async def test_a_token_is_taken_in_every_form(town: Town, target: str, headers: dict[str, str]):
    answer = await town.client(None).get(target, **headers)
    assert answer.status == 200
    assert answer.json()["login"] == "ada"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"circle_token": ""},
        {"circle_token": "nobody"},
        {"circle_token": "\xff\xfe"},
        {"circle_token": "x" * 100_000},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "Basic"},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic /////w=="},
        {"authorization": "Digest ada"},
        {"authorization": basic(":ada")},
    ],
)
async def test_no_token_and_a_bad_token_are_401(town: Town, headers: dict[str, str]):
    answer = await town.client(None).get(ME, **headers)
    assert (answer.status, answer.message) == (401, "You must log in first.")


async def test_a_token_is_looked_up_once_in_a_while(town: Town, client: Client):
    for _ in range(5):
        await client.get(ME)
    assert town.world.lookups == 1
    town.world.clock.pass_by(3 * SECOND)
    await client.get(ME)
    assert town.world.lookups == 2


async def test_a_revoked_token_stops_working_in_a_moment(town: Town, client: Client):
    assert (await client.get(ME)).status == 200
    del town.world.actors["ada"]
    town.world.clock.pass_by(3 * SECOND)
    assert (await client.get(ME)).status == 401


async def test_a_token_revoked_through_the_api_stops_working_at_once(town: Town, client: Client):
    assert (await client.get(ME)).status == 200
    del town.world.actors["ada"]
    vic = town.client("vic")
    await vic.send("DELETE", "/api/roundel/token/018e2d5f-0000-7000-8000-000000000abc")
    assert (await client.get(ME)).status == 401


async def test_a_viewer_reads_and_does_not_write(town: Town):
    viewer = town.client("vic")
    assert (await viewer.get(PROJECT)).status == 200
    answer = await viewer.post(f"{PROJECT}/pipeline", {})
    assert (answer.status, answer.message) == (403, "Permission denied.")
    assert town.world.asked == []


async def test_a_scope_cuts_down_what_its_token_may_do(town: Town, client: Client):
    town.world.limit("ada", Need.READ)
    assert (await client.get(PROJECT)).status == 200
    assert (await client.post(f"{PROJECT}/pipeline", {})).status == 403
    assert (await client.post("/api/roundel/token", {})).status == 403


async def test_outsiders_cannot_tell_what_is_there_from_what_is_not(town: Town):
    eve = town.client("eve")
    there = [
        PROJECT,
        f"{PROJECT}/pipeline",
        f"{PROJECT}/pipeline/1",
        f"{PROJECT}/job/1",
        f"/api/v2/project/{town.project.id}",
        f"/api/v2/pipeline/{town.pipeline.id}",
        f"/api/v2/pipeline/{town.pipeline.id}/config",
        f"/api/v2/pipeline/{town.pipeline.id}/workflow",
        f"/api/v2/workflow/{town.workflow.id}",
        f"/api/v2/workflow/{town.workflow.id}/job",
        "/api/v1.1/project/github/acme/web",
        "/api/v1.1/project/github/acme/web/1",
    ]
    for target in there:
        absent = target.replace("acme/web", "acme/void").replace("018e", "018f")
        seen, unseen = await eve.get(target), await eve.get(absent)
        assert seen.status == unseen.status == 404, target
        assert seen.message == unseen.message


async def test_outsiders_change_nothing(town: Town):
    eve = town.client("eve")
    for target in (
        f"{PROJECT}/pipeline",
        f"{PROJECT}/job/1/cancel",
        f"/api/v2/jobs/{town.build.id}/cancel",
        f"/api/v2/workflow/{town.workflow.id}/cancel",
        f"/api/v2/workflow/{town.workflow.id}/approve/{town.approval.id}",
    ):
        assert (await eve.post(target)).status == 404, target
    assert town.world.asked == []


async def test_people_see_those_with_whom_they_share_an_organization(town: Town, client: Client):
    vic, eve = town.world.actors["vic"], town.world.actors["eve"]
    assert (await client.get(f"/api/v2/user/{vic.id}")).json()["login"] == "vic"
    for unseen in (eve.id, "nonsense"):
        answer = await client.get(f"/api/v2/user/{unseen}")
        assert (answer.status, answer.message) == (404, "User not found")
