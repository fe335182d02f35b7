"""The audit log: one entry for each call that changes something, and none that can be mended."""

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from roundel.api.app import create_api
from roundel.api.table import operations
from roundel.app import UseCases
from roundel.domain.access import Role
from roundel.domain.audit import AuditEntry, Deed, digest_of, first_broken
from roundel.domain.clock import Micros
from roundel.store.transaction import Transaction
from roundel.vault.tokens import digest_of as digest_of_token
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.scenarios.conftest import House
from tests.scenarios.test_continuing import NEXT, in_setup

VARIABLES = "/api/v2/project/gh/acme/web/envvar"
LOG = "/api/roundel/organization/gh/acme/audit"


@pytest.fixture
async def client(house: House) -> AsyncIterator[Client]:
    token = (house.folder / "admin-token").read_text().strip()
    yield Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


async def test_what_was_changed_is_told_with_who_and_where(house: House, client: Client):
    run = "/api/v2/project/gh/acme/web/pipeline/run"
    assert (await client.post(run, {})).status == 201
    assert (await client.post(f"{run}?circle-token=hidden", {"surprise": 1})).status == 400
    assert (await client.get("/api/v2/project/gh/acme/web")).status == 200
    [entry] = (await client.get(LOG)).json()["items"]
    assert {name: entry[name] for name in ("operation", "target", "status", "actor_login")} == {
        "operation": "triggerPipelineRun",
        "target": run,
        "status": 201,
        "actor_login": "admin",
    }
    assert entry["organization_id"] == house.project.organization.id


async def test_a_webhook_leaves_an_entry_without_its_secret(house: House, client: Client):
    own = house.project.id
    triggers = f"/api/v2/projects/{own}/pipeline-definitions/{own}/triggers"
    made = await client.post(triggers, {"event_source": {"provider": "webhook"}})
    url = made.json()["event_source"]["webhook"]["url"]
    called = await client.send("POST", url[url.index("/api/") :], b"{}", {})
    items = (await client.get(LOG)).json()["items"]
    assert [it["operation"] for it in items] == ["callWebhook", "createTrigger"]
    assert items[0]["target"].endswith(f"/{called.json()['pipeline_id']}")
    assert url.partition("secret=")[2] not in json.dumps(items)


async def test_a_continuation_is_in_its_organizations_log(house: House, client: Client):
    pipeline, key = await in_setup(house)
    body = {"continuation-key": key, "configuration": NEXT}
    assert (await client.post("/api/v2/pipeline/continue", body)).status == 200
    items = (await client.get(LOG)).json()["items"]
    [target] = [it["target"] for it in items if it["operation"] == "continuePipeline"]
    assert target == f"/api/v2/pipeline/continue/{pipeline.id}"
    assert key not in json.dumps(items)


async def test_what_its_path_does_not_place_is_in_its_organizations_log(
    house: House, client: Client
):
    organization = house.project.organization.id
    value = "hidden-value"
    made = {
        "/api/v2/context": {"name": "deploy", "owner": {"id": organization}},
        "/api/v2/otel/exporters": {
            "org_id": organization,
            "endpoint": "collector.example.com:4317",
            "protocol": "grpc",
            "headers": {"x-key": value},
        },
        "/api/v2/webhook": {
            "name": "hook",
            "url": "https://example.com/hook",
            "events": ["job-completed"],
            "verify-tls": True,
            "signing-secret": value,
            "scope": {"id": house.project.id, "type": "project"},
        },
        "/api/v3/runner/resource": {"resource_class": "acme/linux", "description": ""},
        "/api/v3/runner/token": {"resource_class": "acme/linux", "nickname": "one"},
    }
    wanted, told = [], ""
    for path, body in made.items():
        answer = await client.post(path, body)
        assert answer.status < 300, (path, answer.body)
        wanted.append(f"{path}/{answer.json()['id']}")
        told = answer.json().get("token", "")  # that of the runners comes last
    for path in (wanted[4], wanted[3]):
        assert (await client.send("DELETE", path)).status == 200
        wanted.append(path)
    items = (await client.get(LOG)).json()["items"]
    assert [it["target"] for it in reversed(items)] == wanted
    assert {it["organization_id"] for it in items} == {organization}
    assert {it["actor_login"] for it in items} == {"admin"}
    assert told
    assert not any(secret in json.dumps(items) for secret in (value, told))


@pytest.mark.parametrize("count", [0, 1, 2300])
async def test_the_whole_log_comes_as_one_file(house: House, client: Client, count: int):
    deed = Deed(
        operation="x",
        target='=A1,"\n',
        status=200,
        actor_id="",
        actor_login="",
        organization_id=house.project.organization.id,
    )
    elsewhere = replace(deed, organization_id=None)

    def add(tx: Transaction) -> None:
        for number in range(count):
            tx.audit.add(deed, Micros(number))
        tx.audit.add(elsewhere, Micros(count))

    await house.engine.database.write(add)
    numbers = list(range(count, 0, -1))
    rows = list(csv.DictReader(io.StringIO((await client.get(f"{LOG}/export")).body.decode())))
    assert [int(row["number"]) for row in rows] == numbers
    assert all(row["target"] == "'=A1,\"\n" for row in rows)  # which no spreadsheet runs
    lines = (await client.get(f"{LOG}/export?format=jsonl")).body.decode().splitlines()
    assert [json.loads(line)["number"] for line in lines] == numbers
    assert all(json.loads(line)["target"] == deed.target for line in lines)
    whole = (await client.get("/api/roundel/audit/export?format=jsonl")).body.decode().splitlines()
    assert [json.loads(line)["number"] for line in whole] == [count + 1, *numbers]
    assert (await client.get(f"{LOG}/export?format=xml")).status == 400


async def test_entries_come_in_pages(client: Client):
    for number in range(25):
        await client.post(VARIABLES, {"name": f"N{number}", "value": "v"})
    first = (await client.get(LOG)).json()
    following = await client.get(f"{LOG}?page-token={first['next_page_token']}")
    numbers = [it["number"] for it in [*first["items"], *following.json()["items"]]]
    assert numbers == list(range(25, 0, -1))
    assert following.json()["next_page_token"] is None


async def test_only_administrators_read_it(house: House, client: Client):
    token = await house.use.create_token("cora", None, house.admin)
    cora = await house.engine.reads.actor(digest_of_token(token.text))
    assert cora is not None
    await house.engine.database.write(
        lambda tx: tx.people.give_role(house.project.organization.id, cora.id, Role.CONTRIBUTOR)
    )
    other = Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token.text)
    for target in (LOG, "/api/roundel/audit", "/api/roundel/audit/chain", f"{LOG}/export"):
        assert (await other.get(target)).status == 403


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE audit SET actor_login = 'somebody' WHERE number = 2",
        "DELETE FROM audit WHERE number = 2",
        "UPDATE audit SET target = '/elsewhere' WHERE number = 2",
    ],
)
async def test_whoever_changes_the_log_is_found_out(house: House, client: Client, harm: str):
    for number in range(3):
        await client.post(VARIABLES, {"name": f"N{number}", "value": "v"})
    chain = "/api/roundel/audit/chain"
    assert (await client.get(chain)).json() == {"intact": True, "first_broken": None}
    await house.damage(harm)
    found = (await client.get(chain)).json()
    assert (found["intact"], found["first_broken"]) == (False, 3 if "DELETE" in harm else 2)


def test_the_chain_is_followed_from_its_start():
    deed = Deed(
        operation="x", target="/x", status=200, actor_id="", actor_login="", organization_id=None
    )
    first = AuditEntry(number=1, at=Micros(1), deed=deed, digest=digest_of(1, Micros(1), deed, ""))
    second = AuditEntry(
        number=2, at=Micros(2), deed=deed, digest=digest_of(2, Micros(2), deed, first.digest)
    )
    assert first_broken([first, second]) is None
    assert first_broken([second]) == 2
    assert first_broken([first, replace(second, digest=first.digest)]) == 2


def test_every_operation_that_is_no_read_is_logged_but_for_those_that_only_try():
    silent = {it.id for it in operations() if it.method != "GET" and not it.changes_something}
    assert silent == {"compileConfig", "compileConfigV3", "MakeDecision"}
    assert not any(it.changes_something for it in operations() if it.method == "GET")
