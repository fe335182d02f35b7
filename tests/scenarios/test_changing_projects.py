"""A project's name, repository and default branch, on both databases."""

from typing import Any

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.access import Need, scopes_for
from roundel.domain.projects import Slug
from tests.api.client import Answer, Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.scenarios.conftest import House

OLD, NEW = "gh/acme/web", "gh/acme/site"


def api_of(house: House, token: str = "") -> Client:
    token = token or (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


async def change(client: Client, slug: str = OLD, **body: Any) -> Answer:
    return await client._send_body("PATCH", f"/api/roundel/project/{slug}", body, {})


async def test_a_renamed_project_is_found_by_both_names(house: House) -> None:
    await house.trigger(a_plan("build"))
    client = api_of(house)
    answer = await change(client, name="site")
    assert answer.status == 200, answer
    assert (answer.json()["slug"], answer.json()["name"]) == (NEW, "site")
    for slug in (OLD, NEW, "github/acme/web"):
        shown = (await client.get(f"/api/v2/project/{slug}")).json()
        assert (shown["id"], shown["slug"]) == (house.project.id, NEW)
        listed = (await client.get(f"/api/v2/project/{slug}/pipeline")).json()["items"]
        assert [it["project_slug"] for it in listed] == [NEW]
    assert (await client.post(f"/api/v2/project/{OLD}/pipeline", {})).status == 201
    assert (await change(client, NEW, name="web")).json()["slug"] == OLD
    assert (await client.get(f"/api/v2/project/{NEW}")).json()["slug"] == OLD


async def test_a_name_goes_to_whoever_takes_it(house: House) -> None:
    client = api_of(house)
    await change(client, name="site")
    body = {"slug": OLD, "repository_url": "/srv/other.git"}
    made = (await client.post("/api/roundel/project", body)).json()
    assert made["id"] != house.project.id  # the renamed one keeps its repository
    assert (await client.get(f"/api/v2/project/{OLD}")).json()["id"] == made["id"]
    kept = (await client.get(f"/api/v2/project/{NEW}")).json()
    assert (kept["id"], kept["vcs_info"]["vcs_url"]) == (house.project.id, "/srv/web.git")
    await change(client, OLD, name="elsewhere")
    assert (await change(client, NEW, name="web")).json()["slug"] == OLD
    assert (await client.get(f"/api/v2/project/{OLD}")).json()["id"] == house.project.id


async def test_repository_and_branch_change_and_the_rest_stays(house: House) -> None:
    client = api_of(house)
    answer = await change(client, repository_url="/srv/moved.git", default_branch="trunk")
    info = answer.json()["vcs_info"]
    assert (info["vcs_url"], info["default_branch"]) == ("/srv/moved.git", "trunk")
    assert (await change(client)).json()["vcs_info"] == info
    project = await house.engine.reads.project(Slug.parse(OLD))
    assert project is not None and project.name == "web"


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ({"name": "a/b"}, 400, "name: expected 1 to 100 letters"),
        ({"name": ""}, 400, "name: expected 1 to 100 letters"),
        ({"name": "taken"}, 409, "name: there is another project gh/acme/taken"),
        ({"default_branch": ""}, 400, "default_branch: expected the name of a branch"),
        ({"default_branch": "--upload-pack=x"}, 400, "default_branch"),
        ({"default_branch": "two words"}, 400, "default_branch"),
        ({"name": "site", "default_branch": "x" * 251}, 400, "default_branch"),
        ({"name": 1}, 400, "name"),
    ],
)
async def test_a_refusal_changes_nothing(
    house: House, body: dict[str, Any], status: int, why: str
) -> None:
    await house.use.add_project(Slug.parse("gh/acme/taken"), "/srv/t.git", None, house.admin)
    project = f"SELECT * FROM project WHERE id = '{house.project.id}'"  # noqa: S608  # our own id
    before = await house.rows(project)
    answer = await change(api_of(house), **body)
    assert answer.status == status
    assert why in answer.message
    assert await house.rows(project) == before


async def test_only_administrators_change_a_project(house: House) -> None:
    made = await house.use.create_token(None, None, house.admin, scopes_for(Need.WRITE))
    assert (await change(api_of(house, made.text), name="site")).status == 403
    assert (await house.engine.reads.project(Slug.parse(NEW))) is None


async def test_a_removed_project_leaves_its_old_names_behind(house: House) -> None:
    client = api_of(house)
    await change(client, name="site")
    assert (await client.send("DELETE", f"/api/v2/project/{OLD}")).status == 202
    assert (await client.get(f"/api/v2/project/{OLD}")).status == 404
    assert await house.rows("SELECT * FROM old_slug") == []
