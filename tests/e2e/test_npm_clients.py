"""Clients from npm, unmodified, over the whole range of calls that they offer."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.client import until
from tests.e2e.site import Site
from tests.npm import HERE, run_node

pytestmark = [pytest.mark.e2e, pytest.mark.npm]

CONFIG = """\
version: 2.1
jobs:
  build:
    docker: [{image: cimg/base:current}]
    steps:
      - run: mkdir -p out && echo hello > out/hello.txt
      - run: |
          cd out
          echo '<testsuite><testcase classname="a" name="b" time="0.1"/></testsuite>' > junit.xml
      - store_artifacts: {path: out/hello.txt, destination: hello.txt}
      - store_test_results: {path: out}
      - run: {name: Break, command: "echo it breaks here; false"}
workflows:
  main: {jobs: [build]}
  held: {jobs: [wait: {type: approval}]}
"""


class Tried:
    """What a script's calls gave."""

    def __init__(self, results: dict[str, Any]) -> None:
        self.failed = {name: it["error"] for name, it in results.items() if "error" in it}
        self.gave = {name: it.get("value") for name, it in results.items()}

    def holds(self, *beyond: str) -> None:
        """Every call worked, but those that are known not to be there."""
        unexpected = {name: why for name, why in self.failed.items() if name not in beyond}
        assert unexpected == {}


class Bench:
    """A project of which one pipeline has run, and scripts to try on it."""

    def __init__(self, site: Site, folder: Path, config: str = CONFIG) -> None:
        self.site = site
        self.slug = site.project(config).slug
        self.folder = folder
        pipeline = site.client.trigger(self.slug, branch="main")["id"]
        flows = until(lambda: self._flows(pipeline), lambda found: len(found) == 2)
        self.held = next(it["id"] for it in flows if it["name"] == "held")
        self.ended = next(it["id"] for it in flows if it["name"] == "main")
        until(
            lambda: site.client.get(f"/api/v2/workflow/{self.ended}")["status"],
            lambda status: status == "failed",
        )
        self.pipeline = pipeline

    def _flows(self, pipeline: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.site.client.get(f"/api/v2/pipeline/{pipeline}/workflow")[
            "items"
        ]
        return found

    def run(self, script: str, **more: str) -> Tried:
        server = self.site.server
        env = {
            "TRYING": str(HERE / "trying.js"),
            "URL_OF_SERVER": server.url,
            "TOKEN": server.token,
            "SLUG": self.slug,
            "PIPELINE": self.pipeline,
            "HELD_WORKFLOW": self.held,
            "ENDED_WORKFLOW": self.ended,
            "OUTPUT": str(self.folder),
            **more,
        }
        return Tried(json.loads(run_node((HERE / script).read_text(), env=env, timeout=120)))


@pytest.fixture
def bench(process_site: Site, tmp_path: Path) -> Bench:
    return Bench(process_site, tmp_path)


def test_circle_client_does_all_that_it_offers(bench: Bench):
    pipelines = f"/api/v2/pipeline/{bench.pipeline}/workflow"
    tried = bench.run("circle_client.js")
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
    tried = bench.run("circleci.js")
    tried.holds()
    gave = tried.gave
    assert len(gave) == 16
    assert gave["getBuild"]["build_num"] == 1
    assert gave["getBuilds"][0]["reponame"] == bench.slug.split("/")[2]
    assert gave["getTestMetadata"]["tests"][0]["name"] == "b"
    assert gave["getEnvVar"]["value"] == "xxxxalue"


def test_circleci_api_does_all_that_it_offers(bench: Bench):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    tried = bench.run("circleci_api.js", PRIVATE_KEY=key.decode())
    tried.holds("addHerokuKey")  # there is no Heroku behind it
    gave = tried.gave
    assert len(gave) == 25
    assert gave["build"]["steps"][0]["actions"][0]["name"]
    assert [it["path"] for it in gave["artifacts"]] == ["hello.txt"]
    assert gave["followProject"]["following"] is True


def test_the_mcp_server_does_what_an_assistant_asks_of_it(bench: Bench):
    tried = bench.run("mcp.js")
    tried.holds()
    gave = tried.gave
    assert bench.slug in gave["list_followed_projects"]
    assert "it breaks here" in gave["get_build_failure_logs"]
    assert "failed" in gave["get_latest_pipeline_status"].lower()
    assert "hello.txt" in gave["list_artifacts"]
