"""Organisations, their members and groups, and what both are good for."""

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.pipelines import Ref
from roundel.vault.tokens import digest_of
from tests.api.client import Answer, Client
from tests.api.conftest import SETTINGS
from tests.scenarios.conftest import House
from tests.scenarios.test_contexts import a_context, job_of, plan_with

MEMBERS = "/api/roundel/organization/gh/acme/member"


@pytest.fixture
def client(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


async def put(client: Client, target: str, body: bytes = b"{}") -> Answer:
    return await client.send("PUT", target, body, {"content_type": "application/json"})


async def somebody(client: Client, login: str, role: str | None = None) -> Client:
    """Make a person, a member of acme where a role is given; return who speaks for them."""
    made = await client.post("/api/roundel/token", {"login": login})
    if role is not None:
        given = await put(client, f"{MEMBERS}/{login}", f'{{"role": "{role}"}}'.encode())
        assert given.status == 200, given
    return Client(client.api, made.json()["token"])


async def test_who_makes_an_organization_administers_it(client: Client) -> None:
    bob = await somebody(client, "bob")
    made = await bob.post("/api/v2/organization", {"name": "bobs", "vcs_type": "circleci"})
    assert made.status == 201, made
    shown = made.json()
    expected = {"name": "bobs", "slug": "circleci/bobs", "vcs_type": "circleci"}
    assert shown == {"id": shown["id"], **expected}
    for name in (shown["id"], "circleci/bobs", "circleci%2Fbobs"):
        assert (await bob.get(f"/api/v2/organization/{name}")).json() == shown
    project = await bob.post(f"/api/v2/organization/{shown['id']}/project", {"name": "site"})
    assert (project.status, project.json()["slug"]) == (200, "circleci/bobs/site")
    again = await bob.post("/api/v2/organization", {"name": "bobs", "vcs_type": "circleci"})
    assert (again.status, again.message) == (
        409,
        "The organization circleci/bobs exists already.",
    )
    eve = await somebody(client, "eve")
    assert (await eve.get(f"/api/v2/organization/{shown['id']}")).status == 404


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "x" * 101])
async def test_names_that_no_slug_could_hold_are_refused(client: Client, name: str) -> None:
    made = await client.post("/api/v2/organization", {"name": name, "vcs_type": "github"})
    assert made.status == 400
    assert made.message.startswith("name: expected 1 to 100 letters")


async def test_a_project_without_a_repository_says_what_is_missing(
    house: House, client: Client
) -> None:
    await client.post("/api/v2/organization", {"name": "new", "vcs_type": "github"})
    made = await client.post("/api/v2/organization/gh%2Fnew/project", {"name": "empty"})
    answer = await client.post(f"/api/v2/project/{made.json()['slug']}/pipeline", {})
    assert answer.status == 400
    assert "has no repository yet" in answer.message


async def test_roles_are_given_changed_and_taken(client: Client) -> None:
    bob = await somebody(client, "bob", "viewer")
    trigger = "/api/v2/project/gh/acme/web/pipeline"
    assert (await bob.get(trigger)).status == 200
    assert (await bob.post(trigger, {})).status == 403
    assert (await put(client, f"{MEMBERS}/bob", b'{"role": "contributor"}')).status == 200
    assert (await bob.post(trigger, {})).status == 201
    assert (await put(bob, f"{MEMBERS}/bob", b'{"role": "administrator"}')).status == 403
    listed = (await client.get(MEMBERS)).json()
    assert [(it["login"], it["role"]) for it in listed["items"]] == [
        ("admin", "administrator"),
        ("bob", "contributor"),
    ]
    assert (await client.send("DELETE", f"{MEMBERS}/bob")).status == 200
    assert (await bob.get(trigger)).status == 404


async def test_an_organization_keeps_its_last_administrator(client: Client) -> None:
    for answer in (
        await client.send("DELETE", f"{MEMBERS}/admin"),
        await put(client, f"{MEMBERS}/admin", b'{"role": "viewer"}'),
    ):
        assert answer.status == 409
        assert answer.message.startswith("admin is the only administrator")
    await somebody(client, "bob", "administrator")
    assert (await client.send("DELETE", f"{MEMBERS}/admin")).status == 200


async def test_who_is_not_known_cannot_become_a_member(client: Client) -> None:
    answer = await put(client, f"{MEMBERS}/ghost", b'{"role": "viewer"}')
    assert answer.status == 404
    assert "roundel token create --login" in answer.message


async def test_groups_are_made_listed_in_pages_and_removed(house: House, client: Client) -> None:
    groups = f"/api/v2/organizations/{house.project.organization.id}/groups"
    made = []
    for n in range(3):
        house.clock.forward(1)
        made.append(await client.post(groups, {"name": f"g{n}", "description": "d"}))
    assert [answer.status for answer in made] == [201] * 3
    again = await client.post(groups, {"name": "g0"})
    assert (again.status, again.message) == (409, "A group named g0 already exists.")
    first = (await client.get(f"{groups}?limit=2")).json()
    assert [it["name"] for it in first["items"]] == ["g0", "g1"]
    rest = (await client.get(f"{groups}?limit=2&page-token={first['next_page_token']}")).json()
    assert [it["name"] for it in rest["items"]] == ["g2"]
    assert rest["next_page_token"] is None
    one = f"{groups}/{made[0].json()['id']}"
    assert (await client.get(one)).json() == made[0].json()
    assert (await client.send("DELETE", one)).status == 200
    assert (await client.get(one)).status == 404


async def test_a_context_s_group_lets_its_members_use_it(house: House, client: Client) -> None:
    organization = house.project.organization.id
    context = await a_context(client, "prod", SECRET="s3cret-value")
    groups = f"/api/v2/organizations/{organization}/groups"
    group = (await client.post(groups, {"name": "deployers"})).json()["id"]
    rule = {"restriction_type": "group", "restriction_value": group}
    assert (await client.post(f"/api/v2/context/{context}/restrictions", rule)).status == 201
    speaker = await somebody(client, "bob", "contributor")
    bob = await house.engine.reads.actor(digest_of(speaker.token or ""))
    assert bob is not None
    members = f"/api/roundel/organization/{organization}/group/{group}/member"
    outcomes = []
    for change in ("nothing", "put", "take"):
        if change == "put":
            assert (await put(client, f"{members}/bob")).status == 200
            assert [it["login"] for it in (await client.get(members)).json()["items"]] == ["bob"]
        elif change == "take":
            assert (await client.send("DELETE", f"{members}/bob")).status == 200
        house.compiler.plan = plan_with("prod")
        pipeline = await house.use.trigger_pipeline(house.project, Ref(), {}, bob)
        assert pipeline is not None
        await house.engine.ticks.settled()
        outcomes.append((await job_of(house, pipeline)).status)
    assert outcomes == ["unauthorized", "queued", "unauthorized"]


async def test_only_members_can_be_in_a_group(house: House, client: Client) -> None:
    organization = house.project.organization.id
    groups = f"/api/v2/organizations/{organization}/groups"
    group = (await client.post(groups, {"name": "deployers"})).json()["id"]
    await somebody(client, "stranger")
    members = f"/api/roundel/organization/{organization}/group/{group}/member"
    assert (await put(client, f"{members}/stranger")).status == 404
    other = {"restriction_type": "group", "restriction_value": house.project.id}
    context = await a_context(client, "prod")
    refused = await client.post(f"/api/v2/context/{context}/restrictions", other)
    assert (refused.status, refused.message) == (
        400,
        "Group does not exist, or it belongs to another organization.",
    )
