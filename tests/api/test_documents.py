"""The live document, and the compiler on request."""

import json
import re
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
import yaml

from roundel.api.table import operations
from tests.api.client import Client
from tests.api.conftest import Town

COMPILE = "/api/v2/compile-config-with-defaults"


async def test_the_document_needs_no_token_and_is_the_same_in_both_spellings(town: Town):
    anybody = town.client(None)
    as_json = (await anybody.get("/api/v2/openapi.json")).json()
    as_yaml = await anybody.get("/api/v2/openapi.yml")
    assert as_yaml.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(as_yaml.body) == as_json
    assert as_json["openapi"] == "3.0.3"
    assert as_json["servers"] == [{"url": "/api/v2"}]


async def test_the_document_has_all_v2_operations_under_their_published_keys(client: Client):
    paths = (await client.get("/api/v2/openapi.json")).json()["paths"]
    assert set(paths["/project/{project-slug}/pipeline"]) == {"get", "post"}
    wanted = {
        (it.path, it.method.lower())
        for it in operations()
        if it.prefix == "/api/v2" and not it.hidden
    }
    assert {(path, method) for path, entry in paths.items() for method in entry} == wanted
    compile_ = paths["/compile-config-with-defaults"]["post"]
    assert compile_["x-roundel"] is True
    assert "x-roundel" not in paths["/me"]["get"]


async def test_the_document_uses_the_words_of_openapi_3_0(client: Client):
    document = (await client.get("/api/v2/openapi.json")).json()
    text = json.dumps(document)
    assert '"type": "null"' not in text
    assert '"const"' not in text
    assert "$defs" not in text
    for reference in set(re.findall(r'"#/components/schemas/([^"]+)"', text)):
        assert re.fullmatch(r"[A-Za-z0-9._-]+", reference)
        assert reference in document["components"]["schemas"]
    for path, entry in document["paths"].items():
        for operation in entry.values():
            named = {it["name"] for it in operation["parameters"] if it["in"] == "path"}
            assert named == set(re.findall(r"\{([^}]+)\}", path))
            assert "default" in operation["responses"]


async def test_the_document_is_valid_by_the_schema_of_openapi_3_0(client: Client):
    document = (await client.get("/api/v2/openapi.json")).json()
    schemathesis.openapi.from_dict(document).validate()
    del document["paths"]["/me"]["get"]["responses"]  # and what is not would be noticed
    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict(document).validate()


async def test_every_json_body_in_the_document_has_an_example_that_its_schema_allows(
    client: Client,
):
    document = (await client.get("/api/v2/openapi.json")).json()
    seen = 0
    for path, entries in document["paths"].items():
        for method, entry in entries.items():
            bodies = [it for status, it in entry["responses"].items() if status != "default"]
            bodies += [entry["requestBody"]] if "requestBody" in entry else []
            for content in (it["content"].get("application/json") for it in bodies):
                if content is not None:
                    root = {**content["schema"], "components": document["components"]}
                    wrong = list(jsonschema_rs.validator_for(root).iter_errors(content["example"]))
                    assert not wrong, f"{method} {path}: {wrong}"
                    seen += 1
    assert seen > len(document["paths"])


async def test_nullable_properties_say_so(client: Client):
    schemas = (await client.get("/api/v2/openapi.json")).json()["components"]["schemas"]
    workflow = schemas["WorkflowShown"]
    assert workflow["properties"]["stopped_at"] == {
        "type": "string",
        "format": "date-time",
        "nullable": True,
    }
    assert "stopped_at" in workflow["required"]
    assert "canceled_by" not in workflow["required"]


async def test_an_empty_body_is_400_so_that_clients_see_the_call_exists(town: Town):
    answer = await town.client(None).post(COMPILE)
    assert answer.status == 400
    assert answer.message == "The request has no body; send a JSON object"


@pytest.mark.parametrize("options", [{}, {"options": {"pipeline_values": {"pipeline.id": 1}}}])
async def test_a_good_config_comes_back_compiled(client: Client, options: dict[str, Any]):
    answer = await client.post(COMPILE, {"config_yaml": "version: 2.1", **options})
    assert answer.status == 200
    assert answer.json() == {
        "valid": True,
        "source-yaml": "version: 2.1",
        "output-yaml": "VERSION: 2.1",
        "errors": [],
    }


async def test_a_broken_config_is_a_good_answer_with_errors(client: Client):
    answer = await client.post(COMPILE, {"config_yaml": "broken"})
    assert answer.status == 200
    assert answer.json() == {
        "valid": False,
        "source-yaml": "broken",
        "output-yaml": "",
        "errors": [{"message": "It is broken"}],
    }
