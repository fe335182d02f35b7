"""Clients from npm, unmodified, over the whole range of calls that they offer."""

from pathlib import Path

import pytest

from tests.e2e.site import Site
from tests.e2e.tried import Bench, Tried, private_key
from tests.npm import HERE, run_node

pytestmark = [pytest.mark.e2e, pytest.mark.npm]


def run(bench: Bench, script: str, **more: str) -> Tried:
    env = {"TRYING": str(HERE / "trying.js"), **bench.environment(), **more}
    return Tried(run_node((HERE / script).read_text(), env=env, timeout=120))


@pytest.fixture
def bench(process_site: Site, tmp_path: Path) -> Bench:
    return Bench(process_site, tmp_path)


def test_circle_client_does_all_that_it_offers(bench: Bench):
    pipelines = f"/api/v2/pipeline/{bench.pipeline}/workflow"
    tried = run(bench, "circle_client.js")
    tried.holds("cancelJob")  # it waits for 202, where the published document has 200
    assert "Job canceled successfully." in tried.failed["cancelJob"]
    gave = tried.gave
    assert len(gave) == 40
    assert gave["getProject"]["slug"] == bench.slug
    assert gave["getEnvVar"]["value"] == "xxxxalue"
    assert gave["getProjectPipeline"]["id"] == bench.pipeline
    assert [it["path"] for it in gave["listJobArtifacts"]["items"]] == ["hello.txt"]
    assert [it["name"] for it in gave["listJobTests"]["items"]] == ["b"]
    assert gave["getJob"]["status"] == "failed"
    assert len(bench.site.client.get(pipelines)["items"]) == 3  # the rerun is there


def test_circleci_does_all_that_it_offers(bench: Bench):
    tried = run(bench, "circleci.js")
    tried.holds()
    gave = tried.gave
    assert len(gave) == 16
    assert gave["getBuild"]["build_num"] == 1
    assert gave["getBuilds"][0]["reponame"] == bench.slug.split("/")[2]
    assert gave["getTestMetadata"]["tests"][0]["name"] == "b"
    assert gave["getEnvVar"]["value"] == "xxxxalue"


def test_circleci_api_does_all_that_it_offers(bench: Bench):
    tried = run(bench, "circleci_api.js", PRIVATE_KEY=private_key())
    tried.holds("addHerokuKey")  # there is no Heroku behind it
    gave = tried.gave
    assert len(gave) == 25
    assert gave["build"]["steps"][0]["actions"][0]["name"]
    assert [it["path"] for it in gave["artifacts"]] == ["hello.txt"]
    assert gave["followProject"]["following"] is True


def test_the_mcp_server_does_what_an_assistant_asks_of_it(bench: Bench):
    ours = "version: 2.1\nworkflows: {none: {when: false, jobs: []}}\n"
    tried = run(bench, "mcp.js", CONFIG_OF_OURS=ours)
    tried.holds()
    gave = tried.gave
    assert bench.slug in gave["list_followed_projects"]
    assert "it breaks here" in gave["get_build_failure_logs"]
    assert "failed" in gave["get_latest_pipeline_status"].lower()
    assert "hello.txt" in gave["list_artifacts"]
    assert "Pipeline run successfully" in gave["run_pipeline"]
    newest, *_ = bench.site.client.items(f"/api/v2/project/{bench.slug}/pipeline")
    bench.site.client.compiled(newest["id"])
    config = bench.site.client.get(f"/api/v2/pipeline/{newest['id']}/config")
    assert "Pipeline run successfully" in gave["run_pipeline with a config"]
    assert config["source"] == ours
    assert "No rollback pipeline definition found" in gave["run_rollback_pipeline"]
