"""Contexts and project variables through the API, against the published document."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.access import Role
from roundel.domain.ids import PersonId, new_id
from roundel.services.work import Tx
from tests.api.client import Answer, Client
from tests.api.conftest import SETTINGS
from tests.api.test_published_schema import validator
from tests.scenarios.conftest import House

ENVVAR = "/api/v2/project/gh/acme/web/envvar"
ENVVAR_V1 = "/api/v1.1/project/github/acme/web/envvar"
CONTEXT = "/context/{context-id}"
VARIABLES = f"{CONTEXT}/environment-variable"
RESTRICTIONS = "/context/{context_id}/restrictions"
PROJECT = "/project/{project-slug}"


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


async def somebody(house: House, client: Client, role: Role | None) -> Client:
    """Return the client of a new person with a role in acme."""
    login = f"{role or 'stranger'}"
    token = (await client.post("/api/roundel/token", {"login": login})).json()["token"]
    other = Client(client.api, token)
    person = PersonId((await other.get("/api/v2/me")).json()["id"])
    organization = house.project.organization.id

    def give(tx: Tx) -> None:
        if role is not None:
            tx.people.give_role(organization, person, role)

    await house.engine.database.write(give)
    house.clock.forward(10_000_000)
    return other


async def sent(client: Client, method: str, target: str, body: Any = None) -> Answer:
    import json

    raw = b"" if body is None else json.dumps(body).encode()
    headers = {} if body is None else {"content-type": "application/json"}
    return await client.send(method, target, raw, headers)


async def a_context(client: Client, name: str = "prod") -> str:
    made = await client.post("/api/v2/context", {"name": name, "owner": {"slug": "gh/acme"}})
    assert made.status == 200, made
    return str(made.json()["id"])


@pytest.mark.spec
async def test_every_answer_is_as_published(house: House, client: Client):
    async def held(method: str, key: str, target: str, status: int, body: Any = None) -> Any:
        answer = await sent(client, method.upper(), "/api/v2" + target, body)
        assert answer.status == status, answer
        validator(method, key, str(status)).validate(answer.json())
        return answer.json()

    owner = house.project.organization.id
    made = await held("post", "/context", "/context", 200, {"name": "prod", "owner": {"id": owner}})
    for number in range(25):
        await a_context(client, f"context-{number}")
    first = await held("get", "/context", f"/context?owner-id={owner}", 200)
    following = f"/context?owner-slug=gh/acme&page-token={first['next_page_token']}"
    second = await held("get", "/context", following, 200)
    names = [it["name"] for it in first["items"] + second["items"]]
    assert names == ["prod", *(f"context-{number}" for number in range(25))]
    assert second["next_page_token"] is None

    context = f"/context/{made['id']}"
    assert await held("get", CONTEXT, context, 200) == made
    variables = f"{context}/environment-variable"
    for number in range(22):
        key = f"{VARIABLES}/{{env-var-name}}"
        put = await held("put", key, f"{variables}/V{number:02}", 200, {"value": "secret"})
        assert set(put) == {"variable", "created_at", "updated_at", "context_id"}
    page = await held("get", VARIABLES, variables, 200)
    rest = await held("get", VARIABLES, f"{variables}?page-token={page['next_page_token']}", 200)
    assert len(page["items"]) + len(rest["items"]) == 22
    await held("delete", f"{VARIABLES}/{{env-var-name}}", f"{variables}/V00", 200)

    restrictions = f"{context}/restrictions"
    for body in (
        {"restriction_type": "project", "restriction_value": house.project.id},
        {"restriction_type": "expression", "restriction_value": "pipeline.number > 1"},
    ):
        made_rule = await held("post", RESTRICTIONS, restrictions, 201, body)
        again = await held("post", RESTRICTIONS, restrictions, 409, body)
        assert again == {"message": "The restriction you're trying to add already exists."}
    listed = await held("get", RESTRICTIONS, restrictions, 200)
    assert [it["restriction_type"] for it in listed["items"]] == ["project", "expression"]
    assert listed["items"][0]["name"] == "web"
    key = f"{RESTRICTIONS}/{{restriction_id}}"
    gone = f"{restrictions}/{made_rule['id']}"
    assert (await held("delete", key, gone, 200)) == {"message": "Context restriction deleted."}
    await held("delete", key, gone, 404)
    await held("get", RESTRICTIONS, "/context/nonsense/restrictions", 400)
    await held("delete", CONTEXT, context, 200)
    assert (await client.get(f"/api/v2{context}")).message == "Context not found."

    body = {"name": "TOKEN", "value": "abcdefgh1234"}
    slug = "/project/gh%2Facme%2Fweb"
    shown = await held("post", f"{PROJECT}/envvar", f"{slug}/envvar", 201, body)
    assert (shown["name"], shown["value"]) == ("TOKEN", "xxxx1234")
    assert shown["created-at"] == shown["created_at"]
    listed = await held("get", f"{PROJECT}/envvar", f"{slug}/envvar", 200)
    assert listed == {"items": [shown], "next_page_token": None}
    assert await held("get", f"{PROJECT}/envvar/{{name}}", f"{slug}/envvar/TOKEN", 200) == shown
    await held("delete", f"{PROJECT}/envvar/{{name}}", f"{slug}/envvar/TOKEN", 200)
    await held("get", f"{PROJECT}/envvar/{{name}}", f"{slug}/envvar/TOKEN", 404)


async def test_version_1_has_flat_lists(client: Client):
    made = await client.post(ENVVAR_V1, {"name": "TOKEN", "value": "abcdefgh1234"})
    assert (made.status, made.json()) == (201, {"name": "TOKEN", "value": "xxxx1234"})
    assert (await client.get(ENVVAR_V1)).json() == [{"name": "TOKEN", "value": "xxxx1234"}]
    one = await client.get(f"{ENVVAR_V1}/TOKEN")
    assert one.json() == {"name": "TOKEN", "value": "xxxx1234"}
    assert (await sent(client, "DELETE", f"{ENVVAR_V1}/TOKEN")).json() == {"message": "ok"}
    assert (await client.get(ENVVAR_V1)).json() == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", "xxxx"),
        ("a", "xxxx"),
        ("abcd", "xxxxcd"),
        ("abcdefgh", "xxxxefgh"),
        ("x" * 99, "xxxxxxxx"),
    ],
)
async def test_short_values_show_at_most_their_second_half(client: Client, value: str, shown: str):
    made = await client.post(ENVVAR, {"name": "V", "value": value})
    assert made.json()["value"] == shown


async def test_a_variable_can_be_replaced_and_keeps_its_birthday(house: House, client: Client):
    target = f"/api/v2/context/{await a_context(client)}/environment-variable/V"
    first = (await sent(client, "PUT", target, {"value": "1"})).json()
    house.clock.forward(5_000_000)
    second = (await sent(client, "PUT", target, {"value": "2"})).json()
    assert second["created_at"] == first["created_at"]
    assert second["updated_at"] > first["updated_at"]


@pytest.mark.parametrize(
    ("method", "target", "body", "words"),
    [
        ("POST", "/context", {"name": "", "owner": {"slug": "gh/acme"}}, "name: "),
        ("POST", "/context", {"name": "x" * 201, "owner": {"slug": "gh/acme"}}, "longer than 200"),
        ("POST", "/context", {"name": "x", "owner": {}}, "id or its slug"),
        ("POST", "/context", {"name": "x", "owner": {"id": "no"}}, "no UUID"),
        ("GET", "/context", None, "id or its slug"),
        ("GET", "/context?owner-slug=gh/acme&owner-type=cat", None, "owner-type"),
        ("PUT", "/context/ID/environment-variable/1X", {"value": "v"}, "begins with no digit"),
        ("PUT", "/context/ID/environment-variable/A%20B", {"value": "v"}, "underscores"),
        ("PUT", "/context/ID/environment-variable/" + "X" * 301, {"value": "v"}, "300"),
        ("PUT", "/context/ID/environment-variable/X", {"value": "x" * 32_769}, "32768 bytes"),
        ("PUT", "/context/ID/environment-variable/X", {"value": "a\0b"}, "NUL"),
        ("PUT", "/context/ID/environment-variable/X", {}, "value"),
        ("POST", "/context/ID/restrictions", {}, "restriction_type"),
        ("POST", "/context/ID/restrictions", {"restriction_type": "moon"}, "restriction_type"),
        ("POST", "/context/ID/restrictions", {"project_id": "x"}, "id of a project"),
        (
            "POST",
            "/context/ID/restrictions",
            {"restriction_type": "expression", "restriction_value": "pipeline.git.branch =="},
            "not an expression",
        ),
        (
            "POST",
            "/context/ID/restrictions",
            {"restriction_type": "expression", "restriction_value": "pipeline.parameters.x"},
            "pipeline.parameters.x cannot be used",
        ),
        ("DELETE", "/context/ID/restrictions/nonsense", None, "restriction_id is invalid."),
    ],
)
async def test_a_mistake_is_said(client: Client, method: str, target: str, body: Any, words: str):
    target = target.replace("ID", await a_context(client))
    answer = await sent(client, method, f"/api/v2{target}", body)
    assert answer.status == 400, answer
    assert words in answer.message


async def test_a_project_of_another_organization_is_no_restriction(house: House, client: Client):
    await client.post(
        "/api/roundel/project", {"slug": "gh/globex/app", "repository_url": "/srv/app.git"}
    )
    foreign = (await client.get("/api/v2/project/gh/globex/app")).json()["id"]
    target = f"/api/v2/context/{await a_context(client)}/restrictions"
    for project in (foreign, new_id()):
        answer = await client.post(target, {"project_id": project})
        assert answer.status == 400
        assert answer.message.startswith("Project does not exist")


async def test_names_are_unique_in_an_organization_and_things_have_limits(client: Client):
    context = await a_context(client)
    again = await client.post("/api/v2/context", {"name": "prod", "owner": {"slug": "gh/acme"}})
    assert again.status == 409
    variables = f"/api/v2/context/{context}/environment-variable"
    for number in range(100):
        answer = await sent(client, "PUT", f"{variables}/V{number}", {"value": "v"})
        assert answer.status == 200
    assert (await sent(client, "PUT", f"{variables}/ONE_MORE", {"value": "v"})).status == 400
    assert (await sent(client, "PUT", f"{variables}/V1", {"value": "w"})).status == 200


async def test_who_may_do_what(house: House, client: Client):
    context = await a_context(client)
    of = f"/api/v2/context/{context}"
    listed = "/api/v2/context?owner-slug=gh/acme"
    rule = {"restriction_type": "expression", "restriction_value": "true"}
    new = {"name": "n", "owner": {"slug": "gh/acme"}}
    calls: list[tuple[str, str, Any]] = [
        ("GET", listed, None),
        ("GET", of, None),
        ("GET", f"{of}/environment-variable", None),
        ("GET", f"{of}/restrictions", None),
        ("GET", ENVVAR, None),
        ("PUT", f"{of}/environment-variable/V", {"value": "v"}),
        ("POST", ENVVAR, {"name": "V", "value": "v"}),
        ("POST", "/api/v2/context", new),
        ("DELETE", f"{of}/environment-variable/V", None),
        ("DELETE", f"{ENVVAR}/V", None),
        ("POST", f"{of}/restrictions", rule),
    ]
    reads, writes = 5, 10
    allowed = {None: 0, Role.VIEWER: reads, Role.CONTRIBUTOR: writes, Role.ADMINISTRATOR: 11}
    for role, upto in allowed.items():
        other = await somebody(house, client, role)
        for number, (method, target, body) in enumerate(calls):
            answer = await sent(other, method, target, body)
            if number < upto:
                assert answer.status in {200, 201, 409}, (role, method, target, answer)
            else:
                expected = 404 if role is None else 403
                assert answer.status == expected, (role, method, target, answer)
    anybody = Client(client.api)
    for method, target, body in calls:
        assert (await sent(anybody, method, target, body)).status == 401
