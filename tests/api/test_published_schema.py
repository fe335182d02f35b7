"""Every answer held against the published v2 document."""

import json
from functools import cache
from typing import Any

import jsonschema_rs
import pytest

from roundel.api.table import operations
from roundel.domain.jobs import JobStatus
from roundel.domain.pipelines import ErrorType, PipelineError, PipelineState, Ref
from roundel.domain.plan import JobType
from tests.api.conftest import Town
from tests.spec import SPEC

pytestmark = pytest.mark.spec

# Where live answers are known to differ from the document: the captured ones have null there.
NULL_IN_LIVE_ANSWERS = {"started_at"}


@cache
def published() -> Any:
    return json.loads((SPEC / "openapi-official-2025-02.json").read_text())


def as_json_schema(node: Any) -> Any:
    """Return a schema of the document as JSON Schema: what is nullable may be null."""
    if isinstance(node, list):
        return [as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    schema = {key: as_json_schema(value) for key, value in node.items() if key != "example"}
    for name in NULL_IN_LIVE_ANSWERS & schema.get("properties", {}).keys():
        schema["properties"][name] = {"anyOf": [schema["properties"][name], {"type": "null"}]}
    if node.get("x-nullable") is True or node.get("nullable") is True:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


@cache
def complete() -> Any:
    """Return the published document with the operations that were published later."""
    return json.loads((SPEC / "openapi.json").read_text())


@cache
def validator(method: str, key: str, status: str) -> Any:
    responses = published()["paths"][key][method]["responses"]
    response = responses.get(status) or responses["default"]
    if "$ref" in response:
        response = published()["components"]["responses"][response["$ref"].rpartition("/")[2]]
    [(kind, content)] = response["content"].items()
    assert kind == "application/json"
    components = as_json_schema(published()["components"])
    schema = {**as_json_schema(content["schema"]), "components": components}
    return jsonschema_rs.Draft7Validator(schema, validate_formats=True)


async def held(town: Town, method: str, key: str, target: str, status: int) -> Any:
    client = town.client()
    send = client.get if method == "get" else client.post
    answer = await send("/api/v2" + target)
    assert answer.status == status, answer
    validator(method, key, str(status)).validate(answer.json())
    return answer.json()


SLUG = "/project/{project-slug}"


async def test_pipelines_in_every_state_are_as_published(town: Town):
    for state in PipelineState:
        town.world.pipeline(
            town.project,
            by=town.ada,
            ref=Ref(tag="v1"),
            state=state,
            commit=None,
            errors=tuple(PipelineError(type=kind, message="no") for kind in ErrorType),
        )
    for _ in range(20):
        town.world.pipeline(town.project, by=town.ada)
    page = await held(town, "get", f"{SLUG}/pipeline", "/project/gh/acme/web/pipeline", 200)
    following = f"/project/gh/acme/web/pipeline?page-token={page['next_page_token']}"
    await held(town, "get", f"{SLUG}/pipeline", following, 200)
    await held(town, "get", f"{SLUG}/pipeline/mine", "/project/gh/acme/web/pipeline/mine", 200)
    await held(town, "get", "/pipeline", "/pipeline?org-slug=gh/acme", 200)
    number = "/project/gh/acme/web/pipeline/1"
    await held(town, "get", f"{SLUG}/pipeline/{{pipeline-number}}", number, 200)
    pipeline = f"/pipeline/{town.pipeline.id}"
    await held(town, "get", "/pipeline/{pipeline-id}", pipeline, 200)
    await held(town, "get", "/pipeline/{pipeline-id}/config", f"{pipeline}/config", 200)
    await held(town, "get", "/pipeline/{pipeline-id}/workflow", f"{pipeline}/workflow", 200)


async def test_jobs_in_every_state_are_as_published(town: Town):
    for number, status in enumerate(JobStatus, start=10):
        town.world.job(town.workflow, status.value, status=status, number=number)
        target = f"/project/gh/acme/web/job/{number}"
        await held(town, "get", f"{SLUG}/job/{{job-number}}", target, 200)
    town.world.output(town.build, b"x", nodes=2)
    await held(town, "get", f"{SLUG}/job/{{job-number}}", "/project/gh/acme/web/job/1", 200)
    await held(town, "get", "/workflow/{id}/job", f"/workflow/{town.workflow.id}/job", 200)


async def test_newer_job_types_are_the_only_addition_to_the_published_ones(town: Town):
    town.world.job(town.workflow, "nothing", kind=JobType.NO_OP, status=JobStatus.SUCCESS)
    answer = await town.client().get(f"/api/v2/workflow/{town.workflow.id}/job")
    check = validator("get", "/workflow/{id}/job", "200")
    errors = list(check.iter_errors(answer.json()))
    assert [str(error.message) for error in errors] == [
        '"no-op" is not one of "build" or "approval"'
    ]


async def test_everything_else_is_as_published(town: Town):
    workflow = f"/workflow/{town.workflow.id}"
    await held(town, "get", "/workflow/{id}", workflow, 200)
    await held(town, "post", "/workflow/{id}/cancel", f"{workflow}/cancel", 202)
    await held(
        town,
        "post",
        "/workflow/{id}/approve/{approval_request_id}",
        f"{workflow}/approve/{town.approval.id}",
        202,
    )
    await held(town, "post", "/workflow/{id}/rerun", f"{workflow}/rerun", 202)
    await held(town, "get", SLUG, "/project/gh/acme/web", 200)
    await held(town, "post", f"{SLUG}/pipeline", "/project/gh/acme/web/pipeline", 201)
    cancel = "/project/gh/acme/web/job/1/cancel"
    await held(town, "post", f"{SLUG}/job/{{job-number}}/cancel", cancel, 200)
    await held(town, "post", "/jobs/{job-id}/cancel", f"/jobs/{town.build.id}/cancel", 200)
    settings = "/project/{provider}/{organization}/{project}/settings"
    await held(town, "get", settings, "/project/gh/acme/web/settings", 200)
    await held(town, "get", "/me", "/me", 200)
    await held(town, "get", "/me/collaborations", "/me/collaborations", 200)
    await held(town, "get", "/user/{id}", f"/user/{town.ada.id}", 200)
    await held(town, "get", "/user/{id}", "/user/nobody", 404)


def resolved(parameter: Any) -> Any:
    """Return a parameter itself, where the document only refers to it."""
    if "$ref" not in parameter:
        return parameter
    return complete()["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]


def test_operations_bear_their_published_names():
    for operation in operations():
        if operation.prefix != "/api/v2" or operation.hidden or operation.extension:
            continue
        entry = complete()["paths"][operation.path][operation.method.lower()]
        assert entry["operationId"] == operation.id
        assert entry["tags"] == [operation.tag]
        assert entry["summary"] == operation.summary
        assert str(operation.status) in entry["responses"]
        parameters = [resolved(it) for it in entry.get("parameters", [])]
        asked = {it["name"] for it in parameters if it["in"] == "query"}
        assert asked <= {query.name for query in operation.query}
