"""The audit log: one entry for each call that changes something, and none that can be mended."""

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
from roundel.vault.tokens import digest_of as digest_of_token
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.scenarios.conftest import House

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
    await client.send("POST", url[url.index("/api/") :], b"{}", {})
    items = (await client.get("/api/roundel/audit")).json()["items"]
    assert [it["operation"] for it in items] == ["callWebhook", "createTrigger"]
    assert url.partition("secret=")[2] not in json.dumps(items)


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
    for target in (LOG, "/api/roundel/audit", "/api/roundel/audit/chain"):
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
