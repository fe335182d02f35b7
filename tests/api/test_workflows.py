"""Workflows and their jobs over the API."""

from dataclasses import replace

import pytest

from roundel.domain.reruns import Choice
from tests.api.client import Client
from tests.api.conftest import Town
from tests.api.world import an_id


async def test_a_workflow_has_whole_seconds_and_a_null_end(town: Town, client: Client):
    body = (await client.get(f"/api/v2/workflow/{town.workflow.id}")).json()
    assert body["created_at"] == "2024-03-11T11:56:47Z"
    assert body["stopped_at"] is None
    assert body["project_slug"] == "gh/acme/web"
    assert "canceled_by" not in body


async def test_jobs_come_in_the_order_of_the_config_with_requirements_by_id(
    town: Town, client: Client
):
    body = (await client.get(f"/api/v2/workflow/{town.workflow.id}/job")).json()
    assert body["next_page_token"] is None
    build, hold, deploy = body["items"]
    assert build == {
        "id": town.build.id,
        "name": "build",
        "type": "build",
        "status": "success",
        "project_slug": "gh/acme/web",
        "dependencies": [],
        "requires": {},
        "started_at": "2024-03-11T11:56:47Z",
        "stopped_at": "2024-03-11T11:57:47Z",
        "job_number": 1,
    }
    assert hold["approval_request_id"] == hold["id"]
    assert hold["status"] == "on_hold"
    assert "job_number" not in hold
    assert hold["requires"] == {build["id"]: ["success"]}
    assert deploy["dependencies"] == [hold["id"]]
    assert (deploy["status"], deploy["started_at"]) == ("blocked", None)


async def test_cancel_answers_202_with_a_message(town: Town, client: Client):
    answer = await client.post(f"/api/v2/workflow/{town.workflow.id}/cancel")
    assert (answer.status, answer.message) == (202, "Accepted.")
    assert town.world.asked == [("cancel workflow", town.workflow.id, "ada")]


async def test_approve_answers_202_and_what_does_not_wait_is_refused(town: Town, client: Client):
    approve = f"/api/v2/workflow/{town.workflow.id}/approve"
    answer = await client.post(f"{approve}/{town.approval.id}")
    assert (answer.status, answer.message) == (202, "Accepted.")
    assert (await client.post(f"{approve}/{town.build.id}")).status == 409
    assert (await client.post(f"{approve}/{an_id()}")).status == 404
    assert (await client.post(f"{approve}/nonsense")).status == 404


@pytest.mark.parametrize("what", ["", "/job"])
async def test_an_unknown_workflow_is_404(client: Client, what: str):
    for named in (an_id(), "not-a-uuid", "%00", "..%2F.."):
        answer = await client.get(f"/api/v2/workflow/{named}{what}")
        assert (answer.status, answer.message) == (404, "Workflow not found")


async def test_job_details_have_milliseconds_and_all_that_is_required(town: Town, client: Client):
    town.world.output(town.build, b"hello\n", nodes=2)
    body = (await client.get("/api/v2/project/gh/acme/web/job/1")).json()
    assert body["started_at"] == "2024-03-11T11:56:47.678Z"
    assert body["duration"] == 60_000
    assert body["executor"] == {"resource_class": "medium", "type": "docker"}
    assert body["parallel_runs"] == [
        {"index": 0, "status": "success"},
        {"index": 1, "status": "success"},
    ]
    assert body["contexts"] == [{"name": "deploy"}]
    assert body["organization"] == {"name": "acme"}
    assert body["latest_workflow"] == {"id": town.workflow.id, "name": "main"}
    assert body["web_url"] == (
        f"http://ci.example/pipelines/github/acme/web/1/workflows/{town.workflow.id}/jobs/1"
    )


async def test_an_unknown_job_is_404_and_an_unknown_project_says_so(client: Client):
    answer = await client.get("/api/v2/project/gh/acme/web/job/77")
    assert (answer.status, answer.message) == (404, "Job not found")
    answer = await client.get("/api/v2/project/gh/acme/nothing/job/1")
    assert (answer.status, answer.message) == (404, "Project not found")


async def test_a_job_is_canceled_by_number_and_by_id(town: Town, client: Client):
    by_number = await client.post("/api/v2/project/gh/acme/web/job/1/cancel")
    by_id = await client.post(f"/api/v2/jobs/{town.build.id}/cancel")
    assert (by_number.status, by_number.message) == (200, "Job canceled successfully.")
    assert (by_id.status, by_id.message) == (200, "Job canceled successfully.")
    assert town.world.asked == [("cancel job", town.build.id, "ada")] * 2
    assert (await client.post(f"/api/v2/jobs/{an_id()}/cancel")).status == 404


async def test_a_rerun_without_a_body_is_one_from_the_start(town: Town, client: Client):
    answer = await client.post(f"/api/v2/workflow/{town.workflow.id}/rerun")
    assert answer.status == 202
    assert answer.json() == {"workflow_id": town.workflow.id}
    assert town.world.asked == [("rerun", town.workflow.id, Choice(), False, "ada")]


async def test_a_rerun_says_what_to_run_again(town: Town, client: Client):
    rerun = f"/api/v2/workflow/{town.workflow.id}/rerun"
    chosen = {"jobs": [town.build.id], "sparse_tree": True, "enable_ssh": True}
    for body in ({"from_failed": True}, chosen, {"jobs": None, "enable_ssh": False}):
        assert (await client.post(rerun, body)).status == 202
    assert [asked[2:4] for asked in town.world.asked] == [
        (Choice(from_failed=True), False),
        (Choice(jobs=(town.build.id,), sparse_tree=True), True),
        (Choice(), False),
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"from_failed": True, "jobs": [an_id()]}, "from_failed and jobs"),
        ({"sparse_tree": True}, "sparse_tree"),
        ({"jobs": ["x"]}, "jobs: expected ids of jobs, got 'x'"),
        ({"from_failed": "yes"}, "from_failed"),
    ],
)
async def test_a_rerun_that_makes_no_sense_is_refused(
    town: Town, client: Client, body: dict[str, object], words: str
):
    answer = await client.post(f"/api/v2/workflow/{town.workflow.id}/rerun", body)
    assert (answer.status, words in answer.message) == (400, True), answer
    assert town.world.asked == []


async def test_viewers_may_not_rerun(town: Town):
    answer = await town.client("vic").post(f"/api/v2/workflow/{town.workflow.id}/rerun")
    assert answer.status == 403


async def test_automatic_reruns_are_counted_where_the_config_has_them(town: Town, client: Client):
    view = town.world.workflows_by_id[town.workflow.id]
    town.world.workflows_by_id[town.workflow.id] = replace(
        view, workflow=replace(view.workflow, auto_rerun_number=1, max_auto_reruns=3)
    )
    body = (await client.get(f"/api/v2/workflow/{town.workflow.id}")).json()
    assert (body["auto_rerun_number"], body["max_auto_reruns"]) == (1, 3)
