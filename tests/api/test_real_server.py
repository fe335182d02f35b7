"""The API over the real store and services: what readers find is what the API's shapes expect."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.ids import is_uuid
from roundel.domain.jobs import ExecutionStatus
from roundel.services.compile_pool import CompilePool
from tests.api.client import Answer, Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.scenarios.conftest import House

CONFIG = """\
version: 2.1
jobs:
  one:
    docker: [{image: cimg/base:current}]
    steps: [{run: echo hi}]
workflows:
  main:
    jobs: [one]
"""
PIPELINES = "/api/v2/project/gh/acme/web/pipeline"


@pytest.fixture
async def house(tmp_path: Path, database_url: str | None) -> AsyncIterator[House]:
    house = House(tmp_path / "data", database_url)
    await house.open()
    yield house
    await house.engine.stop()


@pytest.fixture
def client(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


async def got(client: Client, target: str) -> Any:
    answer = await client.get(target)
    assert answer.status == 200, (target, answer)
    return answer.json()


async def test_a_pipeline_is_triggered_followed_approved_and_read(house: House, client: Client):
    house.compiler.plan = a_plan("build", "hold?<build", "deploy<hold")
    triggered = await client.post(PIPELINES, {"branch": "main", "parameters": {"a": 1}})
    assert triggered.status == 201
    assert triggered.json()["number"] == 1
    await house.engine.ticks.settled()
    assert await house.runner.run_all() == ["build"]

    pipeline = await got(client, f"/api/v2/pipeline/{triggered.json()['id']}")
    assert (pipeline["state"], pipeline["trigger_parameters"]) == ("created", {"a": 1})
    [workflow] = (await got(client, f"/api/v2/pipeline/{pipeline['id']}/workflow"))["items"]
    assert workflow["status"] == "on_hold"
    jobs_of_it = f"/api/v2/workflow/{workflow['id']}/job"
    build, hold, deploy = (await got(client, jobs_of_it))["items"]
    assert [it["status"] for it in (build, hold, deploy)] == ["success", "on_hold", "blocked"]
    assert deploy["requires"] == {hold["id"]: ["success"]}

    approve = f"/api/v2/workflow/{workflow['id']}/approve/{hold['approval_request_id']}"
    assert (await client.post(approve)).status == 202
    assert await house.runner.run_all() == ["build", "deploy"]
    hold = (await got(client, jobs_of_it))["items"][1]
    assert hold["status"] == "success"
    assert is_uuid(hold["approved_by"])
    assert (await got(client, f"/api/v2/workflow/{workflow['id']}"))["status"] == "success"


async def test_details_and_output_of_a_job_that_ran(house: House, client: Client):
    await house.trigger(a_plan("build"))
    order = await house.runner.run_one()
    assert order is not None

    details = await got(client, "/api/v2/project/gh/acme/web/job/1")
    assert (details["name"], details["status"]) == ("build", "success")
    for target in ("/api/v1.1/project/github/acme/web/1", "/api/v1.1/project/gh%2Facme%2Fweb/1"):
        build = await got(client, target)
        [action] = build["steps"][0]["actions"]
        anybody = Client(client.api)
        [entry] = await got(anybody, action["output_url"].removeprefix("http://ci.example"))
        assert entry["message"] == "this is build\n"
    raw = await client.get(f"/api/roundel/job/{order.lease.execution_id}/step/0/output?follow=true")
    assert raw.body == b"this is build\n"
    assert len(await got(client, "/api/v1.1/project/gh/acme/web")) == 1


async def test_cancel_by_every_name(house: House, client: Client):
    for how in ("workflow/{workflow}/cancel", "jobs/{job}/cancel", "project/{slug}/job/{n}/cancel"):
        pipeline = await house.trigger(a_plan("build"))
        workflow = await house.workflow(pipeline)
        job = (await house.jobs(workflow.id))["build"]
        target = how.format(workflow=workflow.id, job=job.id, slug="gh/acme/web", n=job.number)
        answer = await client.post(f"/api/v2/{target}")
        assert answer.status in {200, 202}, (how, answer)
        [shown] = (await got(client, f"/api/v2/workflow/{workflow.id}/job"))["items"]
        assert shown["status"] == "canceled"
        assert is_uuid(shown["canceled_by"]), how


async def test_a_failed_workflow_and_a_build_are_run_again(house: House, client: Client):
    house.runner.endings["test"] = ExecutionStatus.FAILED
    pipeline = await house.trigger(a_plan("build", "test<build"))
    await house.runner.run_all()
    workflow = await house.workflow(pipeline)
    answer = await client.post(f"/api/v2/workflow/{workflow.id}/rerun", {"from_failed": True})
    again = answer.json()["workflow_id"]
    running = await client.post(f"/api/v2/workflow/{again}/rerun")
    assert (running.status, running.message) == (
        400,
        "Workflow must be in a terminal state to be rerun",
    )
    house.runner.endings.clear()
    await house.runner.run_all()
    assert (await got(client, f"/api/v2/workflow/{again}"))["status"] == "success"
    build, test = (await got(client, f"/api/v2/workflow/{again}/job"))["items"]
    assert (build["job_number"], test["job_number"]) == (1, 3)
    assert test["dependencies"] == [build["id"]]

    retried = await client.post("/api/v1.1/project/github/acme/web/3/retry")
    assert retried.status == 200
    assert (retried.json()["build_num"], retried.json()["job_name"]) == (4, "test")


async def test_pages_of_the_real_store(house: House, client: Client):
    for _ in range(25):
        await house.trigger(a_plan("build"))
    first = await got(client, PIPELINES)
    second = await got(client, f"{PIPELINES}?page-token={first['next_page_token']}")
    numbers = [it["number"] for it in first["items"] + second["items"]]
    assert numbers == list(range(25, 0, -1))
    assert second["next_page_token"] is None
    mine = await got(client, "/api/v2/pipeline?org-slug=gh/acme&mine=true")
    assert len(mine["items"]) == 20


async def test_projects_and_tokens_are_made_and_ended(house: House, client: Client):
    made = await client.post(
        "/api/roundel/project", {"slug": "gh/globex/app", "repository_url": "/srv/app.git"}
    )
    assert made.status == 201, made
    assert {it["slug"] for it in await got(client, "/api/v2/me/collaborations")} == {
        "gh/acme",
        "gh/globex",
    }
    token = (await client.post("/api/roundel/token", {"login": "new"})).json()
    newcomer = Client(client.api, token["token"])
    assert (await got(newcomer, "/api/v2/me"))["login"] == "new"
    assert (await newcomer.get("/api/v2/project/gh/globex/app")).status == 404
    assert (await client.send("DELETE", f"/api/roundel/token/{token['id']}")).status == 200
    assert (await newcomer.get("/api/v2/me")).status == 401


async def test_odd_texts_reach_the_store_unharmed(house: House, client: Client):
    for branch in ("\x00", "a\u0000b", "ä/😀", "'; DROP TABLE pipeline; --", "x" * 10_000):
        answer = await client.post(PIPELINES, {"branch": branch})
        assert answer.status in {201, 400}, (branch[:20], answer)
    await house.engine.ticks.settled()
    for target in (
        f"{PIPELINES}?branch=%00",
        "/api/v2/project/gh/acme/%00",
        "/api/v2/project/gh/acme/web/job/9223372036854775807",
        "/api/v2/pipeline?org-slug=%00",
    ):
        assert (await client.get(target)).status in {200, 404}, target


async def test_configs_are_compiled_in_a_worker_and_come_back_with_their_errors(house: House):
    house.engine.compiler = CompilePool()
    anybody = Client(create_api(house.engine, UseCases(house.engine), SETTINGS))
    target = "/api/v2/compile-config-with-defaults"
    broken = await anybody.post(target, {"config_yaml": "version: 2.1\njobs: ["})
    assert broken.status == 200, broken
    assert (broken.json()["valid"], broken.json()["output-yaml"]) == (False, "")
    assert broken.json()["errors"][0]["message"] == "Unable to parse YAML"
    good = await anybody.post(target, {"config_yaml": CONFIG})
    assert (good.json()["valid"], good.json()["errors"]) == (True, [])
    assert "echo hi" in good.json()["output-yaml"]
    nothing = await anybody.post(target, {"config_yaml": CONFIG + "    when: false\n"})
    assert nothing.json()["valid"] is False
    await house.engine.compiler.close()


async def test_settings_are_kept_and_obeyed(house: House, client: Client):
    target = "/api/roundel/project/gh/acme/web/settings"

    async def patch(where: str, body: dict[str, object]) -> Answer:
        headers = {"content_type": "application/json"}
        return await client.send("PATCH", where, json.dumps(body).encode(), headers)

    assert (await patch(target, {"block_new_work": True})).status == 200
    assert (await got(client, target))["block_new_work"] is True
    refused = await client.post(PIPELINES)
    assert (refused.status, "blocked" in refused.message) == (403, True)
    await patch(target, {"block_new_work": False})
    common = "/api/roundel/organization/gh/acme/settings"
    assert (await patch(common, {"block_new_work": True})).status == 200
    assert (await client.post(PIPELINES)).status == 403
    assert (await patch(common, {"max_running_jobs": 0})).status == 400
    assert (await patch(common, {"block_new_work": False})).status == 200
    assert (await client.post(PIPELINES)).status == 201
    await house.engine.ticks.settled()
