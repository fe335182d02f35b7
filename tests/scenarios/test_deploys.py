"""Deploy markers: what jobs log, and what of it is shown to whom."""

import json
from dataclasses import replace
from typing import Any

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.clock import SECOND
from roundel.domain.deploys import LONGEST_NAME, Release, ReleaseDeed
from roundel.domain.errors import Invalid, NotAllowed
from roundel.domain.ids import new_id
from roundel.domain.pipelines import Ref
from roundel.domain.plan import JobType
from roundel.domain.runners import JobOrder
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.builders import a_job_plan, a_plan
from tests.scenarios.conftest import House


@pytest.fixture
def client(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


async def ordered(house: House, ref: Ref | None = None) -> JobOrder:
    await house.trigger(a_plan("build"), **({} if ref is None else {"ref": ref}))
    order = await house.runner.claim()
    assert order is not None
    return order


async def log(house: House, order: JobOrder, version: str, **changes: str) -> None:
    house.clock.forward(SECOND)
    names = {"component": "web", "environment": "prod", **changes}
    await house.engine.runners.log_release(order.lease, Release(version=version, **names))


async def listed(client: Client, what: str, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"/api/v2/deploy/{what}?{query}")
    assert answer.status == 200, answer
    return answer.json()["items"]


async def test_the_version_logged_last_is_live_in_its_environment(
    house: House, client: Client
) -> None:
    order = await ordered(house)
    for version, where in (("1", "prod"), ("2", "prod"), ("2", "staging"), ("1", "prod")):
        await log(house, order, version, environment=where)
    org = f"org-id={house.project.organization.id}"
    names = {it["id"]: it["name"] for it in await listed(client, "environments", org)}
    assert list(names.values()) == ["prod", "staging"]
    [component] = await listed(client, "components", org)
    assert (component["name"], component["release_count"]) == ("web", 4)
    assert component["project_id"] == house.project.id
    versions = await listed(client, f"components/{component['id']}/versions")
    shown = [(names[it["environment_id"]], it["name"], it["is_live"]) for it in versions]
    assert shown == [("prod", "1", True), ("staging", "2", True), ("prod", "2", False)]
    assert versions[0]["job_id"] == order.job_id
    assert versions[0]["pipeline_id"] == order.environment["CIRCLE_PIPELINE_ID"]
    [prod, _] = names
    only = f"components/{component['id']}/versions"
    assert len(await listed(client, only, f"environment-id={prod}")) == 2


async def test_lists_of_environments_go_on_where_a_page_ends(house: House, client: Client) -> None:
    order = await ordered(house)
    for name in "abc":
        await log(house, order, "1", environment=name)
    target = f"/api/v2/deploy/environments?org-id={house.project.organization.id}&page-size=2"
    first = (await client.get(target)).json()
    second = (await client.get(f"{target}&page-token={first['next_page_token']}")).json()
    assert [it["name"] for it in (*first["items"], *second["items"])] == ["a", "b", "c"]
    assert second["next_page_token"] is None


async def test_components_of_another_project_are_left_out(house: House, client: Client) -> None:
    await log(house, await ordered(house), "1")
    org = f"org-id={house.project.organization.id}"
    assert len(await listed(client, "components", f"{org}&project-id={house.project.id}")) == 1
    assert await listed(client, "components", f"{org}&project-id={new_id()}") == []


async def test_a_list_needs_an_organization_that_the_caller_may_read(client: Client) -> None:
    assert (await client.get("/api/v2/deploy/components")).status == 400
    assert (await client.get("/api/v2/deploy/components?org-id=acme")).status == 400


async def test_forks_cannot_log_releases(house: House) -> None:
    house.repositories.branches.add("pull/7/head")
    order = await ordered(house, Ref(branch="pull/7/head"))
    with pytest.raises(NotAllowed, match="fork"):
        await log(house, order, "1")


async def test_names_that_are_absent_or_too_long_are_refused(house: House) -> None:
    order = await ordered(house)
    with pytest.raises(Invalid, match="--target-version"):
        await log(house, order, " ")
    with pytest.raises(Invalid, match="at most"):
        await log(house, order, "1", component="x" * (LONGEST_NAME + 1))


async def tell(house: House, order: JobOrder, **facts: str) -> None:
    house.clock.forward(SECOND)
    deed = ReleaseDeed.UPDATE if "status" in facts else ReleaseDeed.PLAN
    await house.engine.runners.log_release(order.lease, Release(deed=deed, plan="up", **facts))


PLAN = {"component": "web", "environment": "prod", "version": "7"}


async def test_a_planned_release_is_deployed_once_it_went_well(
    house: House, client: Client
) -> None:
    order = await ordered(house)
    [pipeline] = await house.engine.reads.pipelines(projects=[house.project.id])
    path = f"/api/v2/pipeline/{pipeline.pipeline.id}/releases"
    org = f"org-id={house.project.organization.id}"
    with pytest.raises(Invalid, match="no release was planned as 'up'"):
        await tell(house, order, status="RUNNING")
    await tell(house, order, **PLAN)
    for word, status in (("running", "RUNNING"), ("RUNNING", "RUNNING"), ("Success", "SUCCESS")):
        assert await listed(client, "components", org) == []
        await tell(house, order, status=word)
        [shown] = (await client.get(path)).json()["items"]
        assert (shown["status"], shown["target_version"]) == (status, "7")
    [component] = await listed(client, "components", org)
    [version] = await listed(client, f"components/{component['id']}/versions")
    assert (version["name"], version["is_live"]) == ("7", True)
    with pytest.raises(Invalid, match="is over: SUCCESS"):
        await tell(house, order, status="FAILED")
    await tell(house, order, status="SUCCESS")  # said twice, as after a lost answer
    [component] = await listed(client, "components", org)
    assert component["release_count"] == 1


@pytest.mark.parametrize(
    ("status", "reason", "ends", "message"),
    [
        ("SUCCESS", "", "success", None),
        ("RUNNING", "", "success", None),
        ("FAILED", "no room", "failed", "no room"),
        ("FAILED", "", "failed", "The release 'up' has failed."),
        ("CANCELED", "", "canceled", "The release 'up' was canceled."),
        ("", "", "failed", "No release was planned as 'up' in this pipeline"),
    ],
)
async def test_a_release_job_ends_as_its_release_went_and_needs_no_machine(
    house: House, status: str, reason: str, ends: str, message: str | None
) -> None:
    release = a_job_plan("done", type=JobType.RELEASE, steps=(), extra={"plan_name": "up"})
    plan = a_plan("build", "done<build", done=release)
    [flow] = plan.workflows
    build, done = flow.slots
    flow = replace(flow, slots=(build, replace(done, type=JobType.RELEASE)))
    pipeline = await house.trigger(replace(plan, workflows=(flow,)))
    order = await house.runner.claim()
    assert order is not None
    if status:
        await tell(house, order, **PLAN)
        await tell(house, order, status=status, reason=reason)
    await house.runner.carry_out(order)
    assert await house.runner.claim() is None
    done_job = (await house.jobs((await house.workflow(pipeline)).id))["done"]
    assert done_job.status == ends
    assert (done_job.message or "").startswith(message or "")
    assert (done_job.message is None) == (message is None)


def wanted(**changes: Any) -> dict[str, Any]:
    return {
        "component_name": "web",
        "environment_name": "prod",
        "current_version": "2",
        "target_version": "1",
        **changes,
    }


async def deployed(house: House, *versions: str) -> list[JobOrder]:
    """Deploy versions, each by a pipeline of its own that ends well."""
    orders = []
    for version in versions:
        order = await ordered(house)
        await log(house, order, version)
        await house.runner.carry_out(order)
        orders.append(order)
    return orders


def rollback_of(house: House) -> str:
    return f"/api/v2/projects/{house.project.id}/rollback"


async def test_a_rollback_runs_the_workflow_again_that_deployed_the_version(
    house: House, client: Client
) -> None:
    first, _ = await deployed(house, "1", "2")
    answer = await client.post(rollback_of(house), wanted(reason="it is slow"))
    assert answer.status == 202, answer
    assert answer.json()["rollback_type"] == "WORKFLOW_RERUN"
    again = await house.engine.reads.workflow(answer.json()["id"])
    assert again is not None
    assert again.workflow.rerun_of == first.environment["CIRCLE_WORKFLOW_ID"]
    assert await house.runner.run_one() is not None


async def test_a_rollback_runs_the_pipeline_that_the_project_chose(
    house: House, client: Client
) -> None:
    settings = f"/api/v2/deploy/projects/{house.project.id}/settings"
    assert (await client.get(settings)).json() == {}
    chosen = {"rollback_pipeline_definition_id": house.project.id}
    raw = json.dumps(chosen).encode()
    changed = await client.send("PATCH", settings, raw, {"content_type": "application/json"})
    assert (changed.status, changed.json()) == (200, chosen)
    assert (await client.get(settings)).json() == chosen
    await deployed(house, "1", "2")
    house.compiler.plan = a_plan("undo")
    answer = await client.post(rollback_of(house), wanted(parameters={"fast": True}))
    assert answer.status == 202, answer
    assert answer.json()["rollback_type"] == "PIPELINE"
    values = await client.get(f"/api/v2/pipeline/{answer.json()['id']}/values")
    assert values.json()["pipeline.deploy.target_version"] == "1"
    assert values.json()["pipeline.deploy.environment_name"] == "prod"


@pytest.mark.parametrize(
    ("changes", "status", "why"),
    [
        ({"component_name": "api"}, 404, "Nothing of 'api'"),
        ({"environment_name": "staging"}, 404, "'staging'"),
        ({"namespace": "blue"}, 404, "'blue'"),
        ({"target_version": "0"}, 404, "target_version: '0'"),
        ({"target_version": "2"}, 400, "it is the current version"),
        ({"current_version": "3"}, 409, "'2' is"),
        ({"parameters": {"a": "b"}}, 400, "no rollback pipeline"),
        ({"component_name": 1}, 400, "component_name"),
    ],
)
async def test_a_rollback_that_makes_no_sense_is_refused(
    house: House, client: Client, changes: dict[str, Any], status: int, why: str
) -> None:
    await deployed(house, "1", "2")
    answer = await client.post(rollback_of(house), wanted(**changes))
    assert answer.status == status, answer
    assert why in answer.json()["message"]
