"""Triggers of pipeline definitions over the API and the real store."""

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.api.world import an_id
from tests.scenarios.conftest import House
from tests.scenarios.definition_places import JSON, Place, a_place, path_of


@pytest.fixture
async def place(house: House) -> Place:
    return await a_place(house)


async def test_a_trigger_is_made_changed_and_removed(place: Place):
    triggers = f"{place.definitions}/{place.web.id}/triggers"
    source = {"provider": "github_app", "repo": {"external_id": place.infra.id}}
    made = await place.client.post(
        triggers, {"event_source": source, "event_preset": "only-tags", "config_ref": "main"}
    )
    assert made.status == 200, made
    shown = made.json()
    assert shown["event_source"] == {
        "provider": "github_app",
        "repo": {"full_name": "acme/infra", "external_id": place.infra.id},
    }
    assert (shown["event_preset"], shown["disabled"]) == ("only-tags", False)
    one = f"/api/v2/projects/{place.web.id}/triggers/{shown['id']}"
    changed = await place.send("PATCH", one, {"disabled": True, "event_preset": "all-pushes"})
    assert changed.json() == {**shown, "disabled": True, "event_preset": "all-pushes"}
    assert (await place.client.get(triggers)).json() == {"items": [changed.json()]}
    assert (await place.client.get(one)).json() == changed.json()
    assert (await place.send("DELETE", one)).status == 200
    assert (await place.client.get(one)).status == 404


async def test_triggers_on_a_repository_are_found_by_it(place: Place):
    made = await place.client.post(
        f"{place.definitions}/{place.web.id}/triggers",
        {
            "event_source": {
                "provider": "github_app",
                "repo": {"external_id": place.infra.id},
            }
        },
    )
    listening = await place.house.engine.database.write(
        lambda tx: tx.definitions.listening_to(place.infra.id)
    )
    assert [(it.project_id, trigger.id) for it, trigger in listening] == [
        (place.web.id, made.json()["id"])
    ]
    none = await place.house.engine.database.write(
        lambda tx: tx.definitions.listening_to(place.web.id)
    )
    assert list(none) == []


async def test_a_call_to_its_address_starts_the_pipeline_of_a_webhook(place: Place):
    house = place.house
    trigger = await place.webhook(place.web.id, event_name="new order", checkout_ref="main")
    stranger = Client(create_api(house.engine, UseCases(house.engine), SETTINGS))
    answer = await stranger.send("POST", path_of(trigger), b'{ "order": [1, 2] }', JSON)
    assert answer.status == 202, answer
    await house.engine.ticks.settled()
    pipeline = await house.pipeline(answer.json()["pipeline_id"])
    assert (pipeline.trigger.type, pipeline.trigger.actor_login) == ("webhook", "shop")
    values = house.compiler.asked[-1].values
    assert values["pipeline.trigger_parameters.webhook.body"] == '{"order":[1,2]}'
    assert values["pipeline.event.name"] == "custom_webhook"
    assert values["pipeline.trigger.type"] == "webhook"
    assert values["pipeline.trigger.id"] == trigger["id"]
    assert values["pipeline.trigger.name"] == "new order"
    assert values["pipeline.definition.id"] == place.web.id


async def test_the_secret_of_a_webhook_is_shown_once_and_kept_as_a_digest(place: Place):
    trigger = await place.webhook(place.web.id)
    secret = path_of(trigger).partition("secret=")[2]
    assert len(secret) == 64
    one = f"/api/v2/projects/{place.web.id}/triggers/{trigger['id']}"
    assert secret not in (await place.client.get(one)).body.decode()
    assert secret not in await place.house.dump()


@pytest.mark.parametrize("change", ["secret=wrong", "secret=", "", "other"])
async def test_who_does_not_know_the_secret_learns_nothing(place: Place, change: str):
    trigger = await place.webhook(place.web.id)
    path = path_of(trigger).partition("?")[0]
    target = f"{path}?{change}"
    if change == "other":
        target = path_of(trigger).replace(trigger["id"], an_id())
    answer = await place.client.send("POST", target, b"{}", JSON)
    assert (answer.status, answer.message) == (404, "Trigger not found.")
    assert (await place.client.get("/api/v2/project/gh/acme/web/pipeline")).json()["items"] == []


async def test_a_disabled_webhook_says_so_and_starts_nothing(place: Place):
    trigger = await place.webhook(place.web.id, disabled=True)
    answer = await place.client.send("POST", path_of(trigger), b"{}", JSON)
    assert (answer.status, answer.json()) == (200, {"message": "The trigger is disabled."})
