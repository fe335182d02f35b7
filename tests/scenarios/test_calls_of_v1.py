"""The calls of v1.1 and of the private API that clients still make, on a whole server."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.scenarios.conftest import House

V1 = "/api/v1.1/project/github/acme/web"
BARE = "/api/v1/project/acme/web"


@pytest.fixture
async def client(house: House) -> AsyncIterator[Client]:
    token = (house.folder / "admin-token").read_text().strip()
    yield Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


async def get(client: Client, target: str) -> Any:
    answer = await client.get(target)
    assert answer.status == 200, answer
    return answer.json()


async def test_a_waiting_build_is_cancelled(house: House, client: Client) -> None:
    await house.trigger()
    for base in (V1, BARE):
        answer = await client.post(f"{base}/1/cancel")
        assert (answer.status, answer.json()["status"]) == (200, "canceled")


@pytest.mark.parametrize("target", [V1, f"{V1}/build", f"{V1}/tree/main", BARE])
async def test_a_pipeline_is_triggered(house: House, client: Client, target: str) -> None:
    answer = await client.post(target, {"build_parameters": {"A": "b"}})
    assert answer.status == 201
    assert answer.json() == {"status": 200, "body": "Build created"}
    [made] = await house.engine.reads.pipelines(projects=[house.project.id])
    assert made.pipeline.ref.branch == "main"


async def test_a_branch_with_slashes_is_one(house: House, client: Client) -> None:
    house.repositories.branches.add("feature/one")
    assert (await client.post(f"{V1}/tree/feature/one", {})).status == 201
    assert (await client.post(f"{V1}/tree/feature/two", {})).status == 400


async def test_following_is_what_everybody_does(client: Client) -> None:
    answer = await client.post(f"{V1}/follow")
    assert answer.json() == {"following": True, "first_build": None}
    listed = await get(client, "/api/private/me/followed-projects")
    assert listed == {
        "items": [{"name": "web", "slug": "gh/acme/web", "vcs_type": "github"}],
        "next_page_token": None,
    }
    [repository] = await get(client, "/api/v1.1//user/repos/github")
    assert (repository["username"], repository["name"]) == ("acme", "web")
    assert await get(client, "/api/v1.1/user/repos/bitbucket") == []


async def test_recent_builds_are_those_of_all_projects(house: House, client: Client) -> None:
    for _ in range(2):
        await house.trigger(a_plan("build", "lint"))
    await house.runner.run_all()
    for base in ("/api/v1.1", "/api/v1"):
        found = await get(client, f"{base}/recent-builds?limit=3")
        assert len(found) == 3
        rest = await get(client, f"{base}/recent-builds?limit=3&offset=3")
        assert {it["build_num"] for it in found + rest} == {1, 2, 3, 4}


async def test_builds_read_the_same_without_the_git_hosts_name(
    house: House, client: Client
) -> None:
    await house.trigger()
    await house.runner.run_all()
    for rest in ("", "/tree/main", "/1/tests", "/1/artifacts", "/envvar"):
        assert await get(client, BARE + rest) == await get(client, V1 + rest)
    assert (await client.get("/api/v1/project/acme/other")).status == 404
    assert (await get(client, "/api/v1/me"))["login"] == house.admin.login


async def test_a_pipelines_values_are_those_of_its_config(house: House, client: Client) -> None:
    pipeline = await house.trigger()
    values = await get(client, f"/api/v2/pipeline/{pipeline.id}/values")
    assert values["pipeline.id"] == pipeline.id
    assert values["pipeline.number"] == 1
    assert values["pipeline.git.branch"] == "main"
    assert values["pipeline.git.branch.is_default"] is True


async def test_older_spellings_of_lists_lead_to_the_same(house: House, client: Client) -> None:
    await house.trigger()
    slug = "/api/v2/project/gh/acme/web"
    assert await get(client, f"{slug}/pipelines") == await get(client, f"{slug}/pipeline")
    mine = await get(client, f"{slug}/pipelines/mine")
    assert mine == await get(client, f"{slug}/pipeline/mine")
    assert (await client.get(f"{slug}/pipelines/yours")).status == 404


async def test_settings_are_flags_with_dashes(client: Client) -> None:
    for base in (V1, BARE):
        shown = await get(client, f"{base}/settings")
        assert (shown["username"], shown["reponame"]) == ("acme", "web")
        assert shown["feature_flags"]["set-github-status"] is True
    flags = {"set-github-status": False, "pr-only-branch-overrides": ["main"], "osx": True}
    changed = await client.put(f"{V1}/settings", {"feature_flags": flags})
    assert changed.status == 200
    after = (await get(client, "/api/v2/project/gh/acme/web/settings"))["advanced"]
    assert (after["set_github_status"], after["pr_only_branch_overrides"]) == (False, ["main"])
    refused = await client.put(f"{V1}/settings", {"feature_flags": {"oss": ["yes"]}})
    assert (refused.status, "oss" in refused.json()["message"]) == (400, True)


async def test_ssh_into_builds_is_refused(house: House, client: Client) -> None:
    await house.trigger()
    for call in ("ssh", "ssh-users"):
        refused = await client.post(f"{V1}/1/{call}")
        assert refused.status == 400
        assert "not supported here" in refused.json()["message"]
