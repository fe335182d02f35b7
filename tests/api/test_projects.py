"""Projects, people and slugs over the API."""

import pytest

from tests.api.client import Client
from tests.api.conftest import Town


@pytest.mark.parametrize(
    "slug",
    [
        "gh/acme/web",
        "github/acme/web",
        "gh%2Facme%2Fweb",
        "github%2facme%2fweb",
        "gh%2Facme/web",
        "%67h/acme/w%65b",
        "/gh//acme///web",
    ],
)
async def test_a_project_is_found_under_every_form_of_its_slug(client: Client, slug: str):
    answer = await client.get(f"/api/v2/project/{slug}")
    assert answer.status == 200
    assert answer.json()["slug"] == "gh/acme/web"


async def test_a_project_is_found_by_its_bare_uuid(town: Town, client: Client):
    for text in (town.project.id, town.project.id.upper()):
        body = (await client.get(f"/api/v2/project/{text}")).json()
        assert body == {
            "id": town.project.id,
            "slug": "gh/acme/web",
            "name": "web",
            "organization_name": "acme",
            "organization_slug": "gh/acme",
            "organization_id": town.project.organization.id,
            "vcs_info": {
                "vcs_url": "https://git.example/acme/web",
                "provider": "GitHub",
                "default_branch": "main",
            },
        }


@pytest.mark.parametrize(
    "slug",
    [
        "gh/acme/nothing",
        "xx/acme/web",
        "bb/acme/web",
        "gh%2Facme%2Fweb%2Fmore",
        "gh/acme/we%62%2F",
        "gh%252Facme%252Fweb",  # decoded once: no slug
        "gh/acme",
        "gh",
        "gh/acme/web%00",
    ],
)
async def test_what_is_no_project_is_404(client: Client, slug: str):
    answer = await client.get(f"/api/v2/project/{slug}")
    assert (answer.status, answer.message) == (404, "Project not found")


async def test_a_repository_may_be_called_like_an_operation(town: Town, client: Client):
    for name in ("pipeline", "mine", "job", "tree"):
        town.world.project(town.project.organization, name)
        shown = await client.get(f"/api/v2/project/gh/acme/{name}")
        assert shown.json()["name"] == name
        pipelines = await client.get(f"/api/v2/project/gh/acme/{name}/pipeline/mine")
        assert pipelines.json() == {"items": [], "next_page_token": None}


async def test_me_and_collaborations(town: Town, client: Client):
    me = (await client.get("/api/v2/me")).json()
    assert me == {"id": town.ada.id, "login": "ada", "name": "Ada", "avatar_url": ""}
    organization = town.project.organization
    assert (await client.get("/api/v2/me/collaborations")).json() == [
        {
            "id": organization.id,
            "vcs-type": "github",
            "vcs_type": "github",
            "name": "acme",
            "avatar_url": "",
            "slug": "gh/acme",
        }
    ]


async def test_a_project_is_added_with_its_repository(town: Town, client: Client):
    answer = await client.post(
        "/api/roundel/project", {"slug": "github/new/app", "repository_url": "/srv/app"}
    )
    assert answer.status == 201
    assert answer.json()["slug"] == "gh/new/app"
    assert town.world.asked == [("add project", "gh/new/app", "/srv/app", None, "ada")]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "Object missing required field 'slug'"),
        ({"slug": "gh/a", "repository_url": "/x"}, "slug: expected vcs/organization/project"),
        ({"slug": "gh/a/b", "repository_url": " "}, "repository_url: expected a path"),
        ({"slug": "gh/a/b", "repository_url": 3}, "repository_url: expected 'str', got 'int'"),
        (None, "The request has no body"),
    ],
)
async def test_a_malformed_project_is_400(town: Town, client: Client, body: object, told: str):
    answer = await client.post("/api/roundel/project", body)
    assert answer.status == 400
    assert told in answer.message
    assert town.world.asked == []


async def test_a_token_is_made_works_and_is_revoked(town: Town, client: Client):
    made = await client.post("/api/roundel/token", {"expires_seconds": 3600})
    assert made.status == 201
    body = made.json()
    assert (body["login"], body["expires_at"]) == ("ada", "2024-03-11T12:56:47.678Z")
    assert (await town.client(body["token"]).get("/api/v2/me")).status == 200
    answer = await client.send("DELETE", f"/api/roundel/token/{body['id']}")
    assert (answer.status, answer.message) == (200, "Token revoked.")
    assert town.world.asked == [("revoke", body["id"], "ada")]


@pytest.mark.parametrize("seconds", [0, -1, 10**12])
async def test_a_token_that_never_or_always_lives_is_refused(client: Client, seconds: int):
    answer = await client.post("/api/roundel/token", {"expires_seconds": seconds})
    assert answer.status == 400
    assert answer.message.startswith("expires_seconds: expected")
