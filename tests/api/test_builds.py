"""API v1.1, and the output of steps."""

import pytest

from roundel.domain.clock import HOUR
from roundel.domain.jobs import JobStatus
from tests.api.client import Client
from tests.api.conftest import Town
from tests.api.world import an_id

BUILD = "/api/v1.1/project/github/acme/web/1"


async def test_a_build_has_its_steps_with_one_action_per_node(town: Town, client: Client):
    town.world.output(town.build, b"hello\n", nodes=2)
    body = (await client.get(BUILD)).json()
    assert (body["build_num"], body["status"], body["lifecycle"]) == (1, "success", "finished")
    assert (body["vcs_type"], body["username"], body["reponame"]) == ("github", "acme", "web")
    assert body["workflows"]["job_name"] == "build"
    assert body["user"]["login"] == "ada"
    [step] = body["steps"]
    assert step["name"] == "Say hello"
    assert [action["index"] for action in step["actions"]] == [0, 1]
    action = step["actions"][0]
    assert action["failed"] is None
    assert action["has_output"] is True
    assert (action["step"], action["exit_code"], action["run_time_millis"]) == (0, 0, 1000)
    assert action["continue"] is None


async def test_output_is_read_at_a_signed_address_without_a_token(town: Town, client: Client):
    town.world.output(town.build, b"hel", b"lo \xc3", b"\xa4 \xff\n")
    url = (await client.get(BUILD)).json()["steps"][0]["actions"][0]["output_url"]
    assert url.startswith("http://ci.example/api/roundel/output/")
    answer = await town.client(None).get(url.removeprefix("http://ci.example"))
    assert answer.json() == [
        {"type": "out", "time": "2024-03-11T11:56:45.678Z", "message": "hel"},
        {"type": "out", "time": "2024-03-11T11:56:46.678Z", "message": "lo "},
        {"type": "out", "time": "2024-03-11T11:56:47.678Z", "message": "ä \ufffd\n"},
    ]


async def test_a_step_without_output_has_no_address_and_reads_as_nothing(
    town: Town, client: Client
):
    town.world.output(town.build)
    action = (await client.get(BUILD)).json()["steps"][0]["actions"][0]
    assert (action["has_output"], action["output_url"]) == (False, None)


async def test_a_signed_address_ends_and_cannot_be_altered(town: Town, client: Client):
    first, _ = town.world.output(town.build, b"hello", nodes=2)
    url = (await client.get(BUILD)).json()["steps"][0]["actions"][0]["output_url"]
    target = url.removeprefix("http://ci.example")
    anybody = town.client(None)
    for altered in (
        target.replace("/0?", "/1?"),
        target.replace(first, an_id()),
        target.replace("expires=1", "expires=2"),
        target.replace("expires=", "expires=x"),
        target[:-1] + ("A" if target[-1] != "A" else "B"),
        target.split("?")[0],
    ):
        assert (await anybody.get(altered)).status == 403, altered
    town.world.clock.pass_by(2 * HOUR)
    answer = await anybody.get(target)
    assert answer.status == 403
    assert "expired" in answer.message


async def test_raw_output_is_text_from_an_offset_on(town: Town, client: Client):
    [execution] = town.world.output(town.build, b"hello ", b"world\n")
    base = f"/api/roundel/job/{execution}/step/0/output"
    whole = await client.get(base)
    assert whole.body == b"hello world\n"
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert (await client.get(f"{base}?offset=8&follow=true")).body == b"rld\n"
    assert town.world.asked[-1] == ("read", execution, 0, 8, True)
    for bad in ("offset=-1", "offset=x", "offset=99999999999999999999", "follow=perhaps"):
        assert (await client.get(f"{base}?{bad}")).status == 400
    assert (await town.client("eve").get(base)).status == 404
    assert (await town.client(None).get(base)).status == 401


async def test_raw_output_of_the_private_call(town: Town, client: Client):
    town.world.output(town.build, b"hello\n")
    base = "/api/private/output/raw/gh/acme/web/1"
    assert (await client.get(f"{base}/output/0/0")).body == b"hello\n"
    escaped = "/api/private/output/raw/gh%2Facme%2Fweb/1/output/0/0"
    assert (await client.get(escaped)).body == b"hello\n"
    assert (await client.get(f"{base}/error/0/0")).body == b""
    for missing in ("output/1/0", "output/0/1", "output/x/0", "output/0/x", "error/0/9"):
        assert (await client.get(f"{base}/{missing}")).status == 404, missing


async def test_builds_are_listed_newest_first_by_branch_and_status(town: Town, client: Client):
    town.world.job(town.workflow, "test", number=2, status=JobStatus.FAILED)
    town.world.job(town.workflow, "wait", number=3, status=JobStatus.QUEUED)
    base = "/api/v1.1/project/gh/acme/web"

    async def numbers(query: str) -> list[int]:
        return [it["build_num"] for it in (await client.get(base + query)).json()]

    assert await numbers("") == [3, 2, 1]
    assert await numbers("?limit=2") == [3, 2]
    assert await numbers("?limit=1&offset=1&shallow=True") == [2]
    assert await numbers("?filter=failed") == [2]
    assert await numbers("?filter=completed&limit=1") == [2]
    assert await numbers("?filter=successful") == [1]
    assert await numbers("/tree/main") == [3, 2, 1]
    assert await numbers("/tree/feature/x") == []
    assert (await client.get(f"{base}?filter=odd")).status == 400
    assert (await client.get(f"{base}?limit=-3")).status == 400


async def test_an_approval_is_no_build(client: Client):
    assert (await client.get("/api/v1.1/project/gh/acme/web/2")).status == 404


async def test_me_and_projects_of_v1(town: Town, client: Client):
    me = (await client.get("/api/v1.1//me")).json()
    assert (me["login"], me["num_projects_followed"]) == ("ada", 1)
    assert me["created_at"].startswith("2024-03-11T")
    [project] = (await client.get("/api/v1.1/projects")).json()
    assert (project["vcs_type"], project["username"], project["reponame"]) == (
        "github",
        "acme",
        "web",
    )
    assert (await town.client("eve").get("/api/v1.1/projects")).json() == []


@pytest.mark.parametrize("status", list(JobStatus))
async def test_every_status_has_its_words_in_v1(town: Town, client: Client, status: JobStatus):
    town.world.job(town.workflow, "one", number=9, status=status)
    body = (await client.get("/api/v1.1/project/gh/acme/web/9")).json()
    assert body["lifecycle"] in {"queued", "not_run", "not_running", "running", "finished"}
    assert (body["outcome"] is None) == (body["lifecycle"] != "finished")
