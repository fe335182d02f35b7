"""Settings of projects and organisations over the API."""

import json
from typing import Any

import pytest

from roundel.domain.access import Role
from tests.api.client import Answer, Client
from tests.api.conftest import Town

SETTINGS = "/api/v2/project/gh/acme/web/settings"
OWN = "/api/roundel/project/gh/acme/web/settings"
COMMON = "/api/roundel/organization/gh/acme/settings"


async def patch(client: Client, target: str, body: Any) -> Answer:
    headers = {"content_type": "application/json"}
    return await client.send("PATCH", target, json.dumps(body).encode(), headers)


async def test_settings_have_their_defaults(client: Client):
    body = (await client.get(SETTINGS)).json()
    assert body["advanced"]["setup_workflows"] is True
    assert body["advanced"]["autocancel_builds"] is False
    assert body["advanced"]["pr_only_branch_overrides"] == []
    own = (await client.get(OWN)).json()
    assert own == {
        "block_new_work": False,
        "approve_strangers": False,
        "max_running_jobs": None,
        "keep_logs_days": None,
        "keep_pipelines_days": None,
        "rerun_while_running": False,
        "several_continuations": False,
    }


@pytest.mark.parametrize("slug", ["gh/acme/web", "gh%2Facme%2Fweb", "github/acme/web"])
async def test_what_is_named_changes_and_the_rest_stays(client: Client, slug: str):
    target = f"/api/v2/project/{slug}/settings"
    answer = await patch(
        client,
        target,
        {
            "advanced": {
                "autocancel_builds": True,
                "oss": None,
                "pr_only_branch_overrides": ["main"],
            },
        },
    )
    assert answer.status == 200, answer
    await patch(client, target, {"advanced": {"disable_ssh": True}})
    body = (await client.get(target)).json()
    changed = {name for name, value in body["advanced"].items() if value not in (False, [])}
    assert changed == {
        "autocancel_builds",
        "disable_ssh",
        "pr_only_branch_overrides",
        "set_github_status",
        "setup_workflows",
    }


async def test_a_limit_of_ours_is_set_and_lifted(client: Client):
    await patch(client, OWN, {"max_running_jobs": 2})
    assert (await client.get(OWN)).json()["max_running_jobs"] == 2
    misspelt = await patch(client, OWN, {"max_running_job": 3})
    assert misspelt.status == 400 and "max_running_job" in misspelt.json()["message"]
    lifted = await patch(client, OWN, {"max_running_jobs": None})
    assert lifted.json()["max_running_jobs"] is None


async def test_mistyped_settings_are_refused(client: Client):
    answer = await patch(client, SETTINGS, {"advanced": {"oss": "yes"}})
    assert (answer.status, "oss" in answer.message) == (400, True)


async def test_viewers_read_settings_and_do_not_change_them(town: Town):
    vic = town.client("vic")
    assert (await vic.get(SETTINGS)).status == 200
    assert (await patch(vic, SETTINGS, {})).status == 403
    assert (await town.client("eve").get(SETTINGS)).status == 404


async def test_what_holds_for_an_organization_is_its_administrators_affair(town: Town):
    town.world.person("adm", "adm", acme=Role.ADMINISTRATOR)
    assert (await town.client().get(COMMON)).json() == {
        "block_new_work": False,
        "approve_strangers": False,
        "max_running_jobs": None,
        "keep_logs_days": None,
        "keep_pipelines_days": None,
    }
    assert (await patch(town.client(), COMMON, {"block_new_work": True})).status == 403
    answer = await patch(town.client("adm"), COMMON, {"block_new_work": True})
    assert (answer.status, answer.json()["block_new_work"]) == (200, True)
    for other in ("gh/nobody", "xx/acme"):
        answer = await town.client().get(f"/api/roundel/organization/{other}/settings")
        assert answer.status == 404


async def test_a_commit_that_asks_for_no_pipeline_is_answered_with_a_message(client: Client):
    answer = await client.post("/api/v2/project/gh/acme/web/pipeline", {"branch": "skipped"})
    assert (answer.status, "[ci skip]" in answer.message) == (200, True)
