"""Pipelines over the API."""

import pytest

from roundel.domain.pipelines import ErrorType, PipelineError, PipelineState, Ref
from roundel.domain.views import PipelineConfig
from tests.api.client import Client
from tests.api.conftest import Town

PIPELINES = "/api/v2/project/gh/acme/web/pipeline"


async def test_a_trigger_answers_201_with_the_pending_pipeline(town: Town, client: Client):
    answer = await client.post(PIPELINES, {"branch": "main", "parameters": {"deep": True, "n": 2}})
    assert answer.status == 201
    body = answer.json()
    assert set(body) == {"id", "state", "number", "created_at"}
    assert body["state"] == "pending"
    assert body["number"] == 2
    [(_, slug, ref, parameters, login)] = town.world.asked
    assert (str(slug), ref, parameters, login) == (
        "gh/acme/web",
        Ref(branch="main"),
        {"deep": True, "n": 2},
        "ada",
    )


async def test_a_trigger_without_a_body_takes_no_ref_and_no_parameters(town: Town, client: Client):
    assert (await client.post(PIPELINES)).status == 201
    assert town.world.asked[0][2:4] == (Ref(), {})


async def test_without_a_json_content_type_the_body_is_ignored(town: Town, client: Client):
    answer = await client.post(
        PIPELINES, {"branch": "x", "parameters": {"a": 1}}, content_type="text/plain"
    )
    assert answer.status == 201
    assert town.world.asked[0][2:4] == (Ref(), {})


async def test_undeclared_parameters_are_not_refused_here(client: Client):
    answer = await client.post(PIPELINES, {"parameters": {"nobody-declared-me": "x"}})
    assert answer.status == 201


async def test_an_unknown_branch_is_400_branch_not_found(client: Client):
    answer = await client.post(PIPELINES, {"branch": "nowhere"})
    assert (answer.status, answer.message) == (400, "Branch not found")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"branch": ', "Malformed JSON at line 1, column 12"),
        (b'{\n  "branch": nope}', "Malformed JSON at line 2, column 17"),
        ({"branch": 7}, "branch: expected 'str | null', got 'int'"),
        ([], "Expected 'object', got 'array'"),
        ({"parameters": {"a": [1]}}, "parameters[...]: expected"),
        ({"parameters": {"a": None}}, "parameters[...]: expected"),
        ({"branch": "a", "tag": "b"}, "branch and tag: only one"),
        ({"parameters": {str(n): n for n in range(101)}}, "101 were given, at most 100"),
        ({"parameters": {"k" * 129: 1}}, "longer than 128 characters"),
        ({"parameters": {"key": "v" * 513}}, "parameters.key: the value is longer than 512"),
    ],
)
async def test_a_malformed_trigger_is_400_and_says_where(
    town: Town, client: Client, body: object, told: str
):
    answer = await client.post(PIPELINES, body)
    assert answer.status == 400
    assert told in answer.message
    assert town.world.asked == []


async def test_the_limits_themselves_are_allowed(client: Client):
    parameters = {f"{n:0128}": "v" * 512 for n in range(100)}
    assert (await client.post(PIPELINES, {"parameters": parameters})).status == 201


async def test_details_have_all_that_strict_clients_want(town: Town, client: Client):
    body = (await client.get(f"/api/v2/pipeline/{town.pipeline.id}")).json()
    assert body["created_at"] == body["updated_at"] == "2024-03-11T11:56:46.678Z"
    assert body["trigger"] == {
        "type": "api",
        "received_at": "2024-03-11T11:56:46.678Z",
        "actor": {"login": "ada", "avatar_url": ""},
    }
    assert body["vcs"] == {
        "provider_name": "GitHub",
        "origin_repository_url": "https://git.example/acme/web",
        "target_repository_url": "https://git.example/acme/web",
        "revision": "f" * 40,
        "branch": "main",
        "commit": {"subject": "Say hello", "body": ""},
    }
    assert body["trigger_parameters"] == {"deep": True, "count": 3}
    assert body["errors"] == []


async def test_an_errored_pipeline_shows_its_errors(town: Town, client: Client):
    pipeline = town.world.pipeline(
        town.project,
        by=town.ada,
        state=PipelineState.ERRORED,
        errors=(PipelineError(type=ErrorType.CONFIG, message="Unexpected argument(s): a"),),
    )
    body = (await client.get(f"/api/v2/pipeline/{pipeline.id}")).json()
    assert body["state"] == "errored"
    assert body["errors"] == [{"type": "config", "message": "Unexpected argument(s): a"}]


async def test_a_pipeline_is_found_by_number_and_others_are_not(town: Town, client: Client):
    assert (await client.get(f"{PIPELINES}/1")).json()["id"] == town.pipeline.id
    for number in ("2", "0", "-1", "99999999999999999999", "one"):
        answer = await client.get(f"{PIPELINES}/{number}")
        assert (answer.status, answer.message) == (404, "Pipeline not found")


async def test_config_has_source_and_compiled(town: Town, client: Client):
    answer = await client.get(f"/api/v2/pipeline/{town.pipeline.id}/config")
    assert answer.json() == {"source": "version: 2.1\n", "compiled": "version: 2\n"}


async def test_pages_follow_each_other_without_gap_or_overlap(town: Town, client: Client):
    for _ in range(45):
        town.world.pipeline(town.project, by=town.ada)
    numbers: list[int] = []
    sizes: list[int] = []
    token: str | None = ""  # an empty token is an absent one
    while token is not None:
        page = (await client.get(f"{PIPELINES}?page-token={token}")).json()
        sizes.append(len(page["items"]))
        numbers += [item["number"] for item in page["items"]]
        token = page["next_page_token"]
    assert numbers == list(range(46, 0, -1))
    assert sizes == [20, 20, 6]


async def test_a_page_survives_what_is_triggered_meanwhile(town: Town, client: Client):
    for _ in range(25):
        town.world.pipeline(town.project, by=town.ada)
    first = (await client.get(PIPELINES)).json()
    town.world.pipeline(town.project, by=town.ada)
    second = (await client.get(f"{PIPELINES}?page-token={first['next_page_token']}")).json()
    assert [item["number"] for item in second["items"]] == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("token", ["x", "AAAA", "%00", "a" * 500, "%F0%9F%98%80", "W10"])
async def test_a_foreign_page_token_is_refused(client: Client, token: str):
    answer = await client.get(f"{PIPELINES}?page-token={token}")
    assert answer.status == 400
    assert answer.message.startswith("Invalid page token")


async def test_the_token_of_another_list_is_refused(town: Town, client: Client):
    for _ in range(25):
        town.world.pipeline(town.project, by=town.ada)
    token = (await client.get(PIPELINES)).json()["next_page_token"]
    answer = await client.get(f"/api/v2/pipeline/{town.pipeline.id}/workflow?page-token={token}")
    assert answer.status == 400


async def test_branch_and_mine_narrow_the_list(town: Town, client: Client):
    vic = town.world.actors["vic"]
    town.world.pipeline(town.project, by=vic, ref=Ref(branch="topic"))
    topic = (await client.get(f"{PIPELINES}?branch=topic")).json()["items"]
    mine = (await client.get(f"{PIPELINES}/mine")).json()["items"]
    everything = (await client.get(f"{PIPELINES}?branch=")).json()["items"]
    assert [it["number"] for it in topic] == [2]
    assert [it["number"] for it in mine] == [1]
    assert [it["number"] for it in everything] == [2, 1]


async def test_the_list_of_an_organization_takes_long_and_short_slugs(client: Client):
    for slug in ("gh/acme", "github/acme", "gh%2Facme", ""):
        answer = await client.get(f"/api/v2/pipeline?org-slug={slug}&mine=True")
        assert len(answer.json()["items"]) == 1
    answer = await client.get("/api/v2/pipeline?org-slug=gh/globex")
    assert (answer.status, answer.message) == (404, "Organization not found")
    assert (await client.get("/api/v2/pipeline?mine=perhaps")).status == 400


async def test_workflows_of_a_pipeline_have_whole_seconds(town: Town, client: Client):
    body = (await client.get(f"/api/v2/pipeline/{town.pipeline.id}/workflow")).json()
    assert body["next_page_token"] is None
    assert body["items"] == [
        {
            "id": town.workflow.id,
            "name": "main",
            "status": "running",
            "created_at": "2024-03-11T11:56:47Z",
            "stopped_at": None,
            "pipeline_id": town.pipeline.id,
            "pipeline_number": 1,
            "project_slug": "gh/acme/web",
            "started_by": town.ada.id,
        }
    ]


async def test_a_pipeline_is_continued_by_its_key_alone(town: Town):
    nobody = town.client(None)
    continued = "/api/v2/pipeline/continue"
    body = {"continuation-key": "the key", "configuration": "version: 2.1"}
    answer = await nobody.post(continued, {**body, "parameters": {"a": 1, "b": True}})
    assert (answer.status, set(answer.json())) == (200, {"message"})
    assert (await nobody.post(continued, body)).status == 200
    assert town.world.asked == [
        ("continue", "version: 2.1", {"a": 1, "b": True}),
        ("continue", "version: 2.1", {}),
    ]
    assert (await nobody.post(continued, {**body, "continuation-key": "x"})).status == 401
    many = {f"p{number}": 1 for number in range(101)}
    assert (await nobody.post(continued, {**body, "parameters": many})).status == 400
    assert (await nobody.post(continued, {"configuration": "x"})).status == 400
    assert (await nobody.get(f"/api/v2/pipeline/{town.pipeline.id}")).status == 401


async def test_both_configs_of_a_continued_pipeline_are_shown(town: Town, client: Client):
    town.world.configs[town.pipeline.id] = PipelineConfig(
        source="b", compiled="B", setup_source="a", setup_compiled="A"
    )
    body = (await client.get(f"/api/v2/pipeline/{town.pipeline.id}/config")).json()
    assert body == {
        "source": "b",
        "compiled": "B",
        "setup-config": "a",
        "compiled-setup-config": "A",
    }
