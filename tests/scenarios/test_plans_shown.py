"""`GET /pipeline/{id}/plan`: what runs, what does not, and why not."""

from typing import Any

from roundel.api.app import create_api
from roundel.app import UseCases
from tests.api.client import Answer, Client
from tests.api.conftest import SETTINGS
from tests.inline_compiler import InlineCompiler
from tests.scenarios.conftest import House

CONFIG = """
version: 2.1
parameters: {deploy: {type: boolean, default: false}}
jobs:
  build: {docker: [{image: cimg/base}], parallelism: 2, steps: [run: make]}
workflows:
  main:
    jobs:
      - build: {context: [signing]}
      - wait: {type: approval, requires: [build]}
      - build: {name: release, filters: {branches: {only: stable}}}
  deploy:
    when: << pipeline.parameters.deploy >>
    jobs: [build]
  nightly:
    triggers: [{schedule: {cron: "0 0 * * *", filters: {branches: {only: main}}}}]
    jobs: [build]
  stable:
    jobs: [build: {filters: {branches: {only: stable}}}]
"""


async def shown(house: House, config: str) -> Answer:
    house.repositories.config = config
    house.engine.compiler = InlineCompiler()
    pipeline = await house.trigger()
    client = Client(
        create_api(house.engine, UseCases(house.engine), SETTINGS),
        (house.folder / "admin-token").read_text().strip(),
    )
    return await client.get(f"/api/v2/pipeline/{pipeline.id}/plan")


async def test_the_plan_says_of_each_workflow_and_job_whether_it_runs_and_why_not(
    house: House,
) -> None:
    answer = await shown(house, CONFIG)
    assert answer.status == 200, answer
    plan: Any = answer.json()
    flows = {flow["name"]: flow for flow in plan["workflows"]}
    assert {name: flow["runs"] for name, flow in flows.items()} == {
        "main": True,
        "deploy": False,
        "nightly": False,
        "stable": False,
    }
    assert "schedule" in flows["nightly"]["reason"]
    assert flows["deploy"]["reason"]
    assert "ilters" in flows["stable"]["reason"]
    build, wait, release = flows["main"]["jobs"]
    assert (build["runs"], build["parallelism"], build["contexts"]) == (True, 2, ["signing"])
    assert (wait["type"], wait["requires"][0]["job"]) == ("approval", "build")
    assert (release["runs"], build["reason"]) == (False, None)
    assert "stable" in release["reason"]
    assert (
        build["at"]["line"] == CONFIG.split("\n").index("      - build: {context: [signing]}") + 1
    )
    assert plan["parameters"] == {"deploy": False}
    assert plan["values"]["pipeline.number"] == 1


async def test_a_pipeline_that_did_not_compile_has_no_plan(house: House) -> None:
    answer = await shown(house, "version: 2.1\njobs: 5")
    assert answer.status == 404
    assert "no plan" in answer.message
