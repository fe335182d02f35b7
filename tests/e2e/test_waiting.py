"""Jobs that nobody can run here: they wait, and say why."""

from pathlib import Path

import pytest

from tests.e2e.client import until
from tests.e2e.server import Server
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

CONFIG = """
version: 2.1
jobs:
  container: {docker: [{image: 'cimg/base:stable'}], steps: [{run: echo hi}]}
  vm: {machine: {image: 'ubuntu-2204:current'}, steps: [{run: echo hi}]}
  mac: {macos: {xcode: 16.0.0}, resource_class: m4pro.medium, steps: [{run: echo hi}]}
workflows:
  w: {jobs: [container, vm, mac]}
"""


def test_without_an_engine_jobs_wait_and_their_details_say_why(tmp_path: Path) -> None:
    nowhere = {"DOCKER_HOST": f"unix://{tmp_path}/no-engine.sock"}
    server = Server(tmp_path / "data", environment=nowhere).start()
    try:
        with server.client() as client:
            site = Site("auto", server, client, tmp_path)
            project = site.project(CONFIG)
            pipeline = client.trigger(project.slug, branch="main")
            client.compiled(pipeline["id"])
            told, reasons = {}, {}
            for number in (1, 2, 3):
                job = until(
                    lambda n=number: client.get(f"/api/v2/project/{project.slug}/job/{n}"),
                    lambda job: job["messages"] and "none has asked for such" not in str(job),
                )
                assert job["status"] == "queued"
                (message,) = job["messages"]
                assert message["type"] == "warning"
                told[job["name"]] = message["message"]
                why = client.get(f"/api/v2/project/{project.slug}/job/{number}/why")
                assert why["waits_for"] == "runner"
                reasons[job["name"]] = why["message"]
            assert "Start Docker or Podman" in told["container"]
            assert "--machine process" in told["vm"]
            assert "waits for a runner of the class m4pro.medium" in told["mac"]
            assert "Start Docker or Podman" in reasons["container"]
            assert "--machine process" in reasons["vm"]
            assert "There is no resource class 'm4pro.medium'" in reasons["mac"]
    finally:
        server.stop()


def test_machine_jobs_run_as_processes_where_that_is_so(process_site: Site) -> None:
    config = CONFIG.replace("[container, vm, mac]", "[vm]")
    project = process_site.project(config)
    pipeline = process_site.client.trigger(project.slug, branch="main")
    (workflow,) = process_site.client.finished(pipeline["id"]).values()
    assert workflow["status"] == "success"
    job = process_site.client.get(f"/api/v2/project/{project.slug}/job/1")
    assert job["messages"] == []
