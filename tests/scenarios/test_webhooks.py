"""Outgoing webhooks from end to end of the server: told in order, at least once, and on record."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.clock import DAY, MINUTE
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.webhooks import RETRIES
from roundel.wire.hooks import signature
from roundel.wire.web import Web
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.receiver import Receiver, receiving
from tests.scenarios.conftest import House

HOOK = "/api/v2/webhook"
OWN = "/api/roundel/webhook"
SECRET = "hunter123"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "data")
    house.engine.web = Web(private=True)
    await house.open()
    yield house
    await house.engine.stop()


@pytest.fixture
def client(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def wanted(house: House, address: str, **changes: Any) -> dict[str, Any]:
    body = {
        "name": "ours",
        "events": ["workflow-completed", "job-completed"],
        "url": address,
        "verify-tls": True,
        "signing-secret": SECRET,
        "scope": {"id": house.project.id, "type": "project"},
    }
    return {**body, **changes}


async def add(house: House, client: Client, url: str, **changes: Any) -> Any:
    answer = await client.post(HOOK, wanted(house, url, **changes))
    assert answer.status == 201, answer
    return answer.json()


async def deliver(house: House) -> None:
    """Let everything that is due now leave."""
    for _ in range(3):
        await house.engine.ticks.tick()
        await house.engine.ticks.settled()


async def log_of(client: Client, hook: Any) -> list[Any]:
    answer = await client.get(f"{OWN}/{hook['id']}/deliveries")
    assert answer.status == 200, answer
    items: list[Any] = answer.json()["items"]
    return items


async def test_both_events_of_a_run_are_told_in_order(
    house: House, client: Client, receiver: Receiver
) -> None:
    hook = await add(house, client, receiver.url)
    pipeline = await house.trigger(a_plan("build", "deploy<build"))
    await house.runner.run_all()
    await deliver(house)
    got = receiver.wait_for(3)
    kinds = [it.body["type"] for it in got]
    assert kinds == ["job-completed", "job-completed", "workflow-completed"]
    assert [it.body["job"]["name"] for it in got[:2]] == ["build", "deploy"]
    workflow = await house.workflow(pipeline)
    for it in got:
        assert it.headers["circleci-event-type"] == it.body["type"]
        assert it.headers["circleci-signature"] == signature(SECRET, it.raw)
        assert it.headers["user-agent"] == "CircleCI-Webhook/1.0"
        assert it.body["webhook"] == {"id": hook["id"], "name": "ours"}
        assert it.body["workflow"]["id"] == workflow.id
    assert got[2].body["workflow"]["status"] == "success"
    log = await log_of(client, hook)
    assert len(log) == 3
    assert {(it["status"], it["attempts"], it["response_status"]) for it in log} == {
        ("delivered", 1, 200)
    }


async def test_ends_that_receivers_do_not_know_are_failures_to_them(
    house: House, client: Client, receiver: Receiver
) -> None:
    await add(house, client, receiver.url, events=["job-completed"])
    house.runner.endings["build"] = ExecutionStatus.TIMEDOUT
    await house.trigger()
    await house.runner.run_all()
    await deliver(house)
    [only] = receiver.wait_for(1)
    assert only.body["job"]["status"] == "failed"


async def test_a_refused_event_comes_again_and_holds_up_those_behind_it(
    house: House, client: Client, receiver: Receiver
) -> None:
    hook = await add(house, client, receiver.url)
    receiver.statuses = [500, 302]
    await house.trigger()
    await house.runner.run_all()
    await deliver(house)
    assert len(receiver.got) == 1
    for pause in RETRIES[:2]:
        house.clock.forward(pause)
        await deliver(house)
    ids = [it.body["id"] for it in receiver.wait_for(4)]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    found = {it["event"]: (it["status"], it["attempts"]) for it in await log_of(client, hook)}
    assert found == {"job-completed": ("delivered", 3), "workflow-completed": ("delivered", 1)}


async def test_a_deaf_receiver_is_given_up_and_can_be_told_again(
    house: House, client: Client, receiver: Receiver
) -> None:
    hook = await add(house, client, receiver.url, events=["workflow-completed"])
    receiver.statuses = [503] * (len(RETRIES) + 1)
    await house.trigger()
    await house.runner.run_all()
    await deliver(house)
    for pause in RETRIES:
        house.clock.forward(pause)
        await deliver(house)
    [given_up] = await log_of(client, hook)
    assert given_up["status"] == "failed"
    assert given_up["problem"] == "the receiver answers with status 503"
    house.clock.forward(DAY)
    await deliver(house)
    assert len(receiver.got) == len(RETRIES) + 1
    target = f"/api/roundel/webhook-delivery/{given_up['id']}/redeliver"
    assert (await client.post(target)).status == 202
    await deliver(house)
    again = receiver.wait_for(len(RETRIES) + 2)[-1]
    assert again.raw == receiver.got[0].raw
    assert (await log_of(client, hook))[0]["status"] == "delivered"


async def test_what_waits_is_told_after_a_restart(
    house: House, client: Client, receiver: Receiver
) -> None:
    await add(house, client, receiver.url, events=["workflow-completed"])
    receiver.statuses = [500]
    await house.trigger()
    await house.runner.run_all()
    await deliver(house)
    assert len(receiver.got) == 1
    await house.restart()
    house.engine.web = Web(private=True)
    house.clock.forward(MINUTE)
    await deliver(house)
    first, second = receiver.wait_for(2)
    assert first.raw == second.raw


async def test_a_ping_is_a_short_event(house: House, client: Client, receiver: Receiver) -> None:
    hook = await add(house, client, receiver.url, **{"signing-secret": ""})
    assert (await client.post(f"{OWN}/{hook['id']}/ping")).status == 202
    await deliver(house)
    [ping] = receiver.wait_for(1)
    assert set(ping.body) == {"type", "id", "happened_at", "webhook"}
    assert ping.headers["circleci-event-type"] == "ping"
    assert "circleci-signature" not in ping.headers


async def test_secrets_are_never_shown_nor_kept_as_they_are(
    house: House, client: Client, receiver: Receiver
) -> None:
    hook = await add(house, client, receiver.url)
    shown = (await client.get(f"{HOOK}/{hook['id']}")).json()
    assert shown == hook
    assert shown["signing-secret"] == "****"
    for file in house.folder.glob("roundel.sqlite3*"):
        assert SECRET.encode() not in file.read_bytes()
    changed = await client.send(
        "PUT", f"{HOOK}/{hook['id']}", b'{"signing-secret": "****", "name": "new"}'
    )
    assert changed.json()["name"] == "new"
    await client.post(f"{OWN}/{hook['id']}/ping")
    await deliver(house)
    [ping] = receiver.wait_for(1)
    assert ping.headers["circleci-signature"] == signature(SECRET, ping.raw)


async def test_addresses_of_our_own_network_are_refused(house: House, client: Client) -> None:
    house.engine.web = Web()
    for url in ("http://example.com", "https://127.0.0.1/x", "https://[::1]/", "https://10.1.1.1"):
        answer = await client.post(HOOK, wanted(house, url))
        assert (answer.status, answer.message.startswith("url: ")) == (400, True)
    # A name is judged when it is resolved, and that is when something is sent.
    hook = await add(house, client, "https://localhost/x")
    await client.post(f"{OWN}/{hook['id']}/ping")
    await deliver(house)
    [entry] = await log_of(client, hook)
    assert "private address" in entry["problem"]
    assert entry["status"] == "waiting"


async def test_a_project_has_five_webhooks_at_most(house: House, client: Client) -> None:
    for number in range(5):
        await add(house, client, "https://example.com", name=f"hook {number}")
    answer = await client.post(HOOK, wanted(house, "https://example.com"))
    assert (answer.status, "5 webhooks" in answer.message) == (400, True)
    listed = await client.get(f"{HOOK}?scope-id={house.project.id}&scope-type=project")
    assert [it["name"] for it in listed.json()["items"]] == [f"hook {n}" for n in range(5)]


async def test_a_removed_webhook_hears_no_more(
    house: House, client: Client, receiver: Receiver
) -> None:
    hook = await add(house, client, receiver.url)
    answer = await client.send("DELETE", f"{HOOK}/{hook['id']}")
    assert answer.json() == {"message": "Webhook deleted."}
    await house.trigger()
    await house.runner.run_all()
    await deliver(house)
    assert receiver.got == []
    assert (await client.get(f"{HOOK}/{hook['id']}")).status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"events": []},
        {"events": ["workflow-started"]},
        {"name": ""},
        {"name": "x" * 201},
        {"url": "ftp://example.com"},
        {"url": "https://user:pass@example.com"},
        {"scope": {"id": "nothing", "type": "project"}},
        {"scope": {"id": "018e2d5f-0000-7000-8000-000000000000", "type": "organization"}},
    ],
)
async def test_malformed_webhooks_are_refused(
    house: House, client: Client, change: dict[str, Any]
) -> None:
    house.engine.web = Web()
    answer = await client.post(HOOK, wanted(house, "https://example.com", **change))
    assert answer.status == 400, answer
