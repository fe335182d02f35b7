"""Orbs on a server: pipelines that use them, what is allowed from the web, compiling on request."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.pipelines import PipelineState
from roundel.services.compile_cache import CachedCompiler
from roundel.services.compile_pool import CompilePool
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.scenarios.conftest import House

ORB = """\
version: 2.1
commands:
  greet:
    steps: [{run: echo greetings}]
"""
CONFIG = """\
version: 2.1
orbs: {o: REFERENCE}
jobs:
  build:
    docker: [{image: cimg/base:current}]
    steps: [o/greet]
workflows: {main: {jobs: [build]}}
"""
ALLOW_LIST = "/api/v2/organization/gh/acme/url-orb-allow-list"
COMPILE = "/api/v2/compile-config-with-defaults"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "data")
    house.engine.compiler = CachedCompiler(CompilePool())
    await house.open()
    yield house
    await house.engine.stop()


@pytest.fixture
def client(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


def publish(house: House, version: str) -> None:
    file = house.folder / f"orbs/acme/node/{version}.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(ORB)


async def test_a_pipeline_uses_the_orbs_of_the_data_folder_and_locks_them(house: House):
    publish(house, "1.0.0")
    house.repositories.config = CONFIG.replace("REFERENCE", "acme/node@1")
    first = await house.trigger()
    publish(house, "1.4.0")
    second = await house.trigger()
    for pipeline, exact in ((first, "acme/node@1.0.0"), (second, "acme/node@1.4.0")):
        config = await house.engine.reads.pipeline_config(pipeline.id)
        assert config is not None
        assert config.compiled.startswith(f"# Orb 'acme/node@1' resolved to '{exact}'\n")
        [lock] = await house.engine.reads.orb_lock(pipeline.id)
        assert (lock.written, lock.exact) == ("acme/node@1", exact)
        assert lock.digest.startswith("sha256:")
    order = await house.runner.run_one()
    assert order is not None
    assert order.steps[0].args["command"] == "echo greetings"


async def test_a_pipeline_uses_orbs_of_its_own_commit(house: House):
    house.repositories.files = {"tools/orb.yml": ORB.encode()}
    house.repositories.config = CONFIG.replace("REFERENCE", "./tools/orb.yml")
    pipeline = await house.trigger()
    assert (await house.pipeline(pipeline.id)).state is PipelineState.CREATED
    [lock] = await house.engine.reads.orb_lock(pipeline.id)
    assert lock.exact == "./tools/orb.yml"


async def test_each_problem_is_one_error_of_the_pipeline(house: House, client: Client):
    house.repositories.config = CONFIG.replace("REFERENCE", "acme/node@1").replace(
        "steps: [o/greet]", "stepz: []"
    )
    pipeline = await house.trigger()
    shown = (await client.get(f"/api/v2/pipeline/{pipeline.id}")).json()
    assert shown["state"] == "errored"
    [error] = shown["errors"]
    assert error["type"] == "config"
    assert error["message"].startswith("ERROR IN CONFIG FILE:\n[#/jobs/build] ")
    compiled = await client.post(COMPILE, {"config_yaml": house.repositories.config})
    lines = [it["message"] for it in compiled.json()["errors"]]
    assert lines == error["message"].split("\n")
    assert len(lines) > 1


async def test_a_compiled_config_is_followed_by_its_source(client: Client):
    source = 'version: 2.1\njobs:\n  build:\n    docker: [{image: "a/b"}]\n    steps: [checkout]\n'
    answer = (await client.post(COMPILE, {"config_yaml": source})).json()
    assert answer["errors"] == []
    output = answer["output-yaml"]
    assert output.endswith(
        "# Original config.yml file:\n"
        "# version: 2.1\n"
        "# jobs:\n"
        "#   build:\n"
        '#     docker: [{image: \\"a\\/b\\"}]\n'
        "#     steps: [checkout]\n"
    )


async def test_version_3_compiles_too(house: House):
    anybody = Client(create_api(house.engine, UseCases(house.engine), SETTINGS))
    publish(house, "1.0.0")

    async def compiled(config: str) -> Any:
        body = {"data": {"attributes": {"config": config}}}
        answer = await anybody.post("/api/v3/configs/compile", body)
        assert answer.status == 200, answer
        return answer.json()

    good = await compiled(CONFIG.replace("REFERENCE", "acme/node@1"))
    assert good["data"]["attributes"]["phase"] == "ended"
    assert good["data"]["attributes"]["outcome"] == "succeeded"
    assert "echo greetings" in good["data"]["attributes"]["compiled_config"]
    assert good["meta"] == {"messages": []}
    bad = await compiled("version: 2.1\njobs: [")
    assert bad["data"]["attributes"]["outcome"] == "failed"
    assert bad["meta"]["messages"][0] == {"title": "Unable to parse YAML"}
    assert (await anybody.post("/api/v3/configs/compile", {"data": {}})).status == 400


async def test_the_allow_list_of_url_orbs(client: Client):
    assert (await client.get(ALLOW_LIST)).json() == {"items": [], "next_page_token": None}
    body = {"name": "ours", "prefix": "https://orbs.example/acme/"}
    made = await client.post(ALLOW_LIST, body)
    assert made.status == 201
    assert (await client.post(ALLOW_LIST, body)).status == 409
    entry = {"id": made.json()["id"], **body}
    for slug in ("github%2Facme", "gh/acme", "gh%2Facme"):
        target = f"/api/v2/organization/{slug}/url-orb-allow-list"
        assert (await client.get(target)).json()["items"] == [entry]
    gone = f"{ALLOW_LIST}/{entry['id']}"
    assert (await client.send("DELETE", gone)).status == 200
    assert (await client.send("DELETE", gone)).status == 404
    assert (await client.send("DELETE", f"{ALLOW_LIST}/nonsense")).status == 404
    assert (await client.get("/api/v2/organization/gh/none/url-orb-allow-list")).status == 404


@pytest.mark.parametrize(
    "prefix",
    ["", "http://orbs.example/", "https://", "https://a/../b", "https://a/?q", "ftp://a/", "x" * 9],
)
async def test_an_odd_prefix_is_refused(client: Client, prefix: str):
    answer = await client.post(ALLOW_LIST, {"name": "odd", "prefix": prefix})
    assert answer.status == 400
    assert answer.message.startswith("prefix: ")


async def test_only_administrators_change_the_allow_list_and_strangers_see_nothing(
    house: House, client: Client
):
    stranger = (await client.post("/api/roundel/token", {"login": "stranger"})).json()["token"]
    other = Client(client.api, stranger)
    assert (await other.get(ALLOW_LIST)).status == 404
    body = {"name": "mine", "prefix": "https://orbs.example/"}
    assert (await other.post(ALLOW_LIST, body)).status == 404
    assert (await client.get(ALLOW_LIST)).json()["items"] == []


async def test_url_orbs_are_compiled_only_for_those_who_may_read_their_organization(
    house: House, client: Client
):
    await client.post(ALLOW_LIST, {"name": "ours", "prefix": "https://127.0.0.1/"})
    owner = house.project.organization.id
    config = CONFIG.replace("REFERENCE", "https://127.0.0.1/orb.yml")
    body = {"config_yaml": config, "options": {"owner_id": owner}}
    mine = (await client.post(COMPILE, body)).json()["errors"][0]["message"]
    assert "127.0.0.1 is at a private address" in mine
    stranger = (await client.post("/api/roundel/token", {"login": "stranger"})).json()["token"]
    for token in (None, stranger):
        answer = await Client(client.api, token).post(COMPILE, body)
        [error] = answer.json()["errors"]
        assert "are not allowed in this organization" in error["message"]
