"""Reruns through the API, with real jobs."""

from typing import Any

import pytest

from tests.e2e.client import ENDED, until
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

# `flaky` succeeds in reruns only: there the workspace is that of the workflow before.
FLAKY = """\
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: echo built}]
  flaky:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: 'test "$CIRCLE_WORKFLOW_ID" != "$CIRCLE_WORKFLOW_WORKSPACE_ID"'}]
workflows:
  main:
    jobs: [build, {flaky: {requires: [build]}}]
"""


def ended(site: Site, workflow_id: str) -> Any:
    return until(
        lambda: site.client.get(f"/api/v2/workflow/{workflow_id}"),
        lambda workflow: workflow["status"] in ENDED,
    )


def test_a_failed_workflow_succeeds_when_rerun_from_failed(site: Site) -> None:
    client = site.client
    project = site.project(FLAKY)
    pipeline = client.trigger(project.slug, branch="main")
    first = client.finished(pipeline["id"])["main"]
    assert first["status"] == "failed"

    answer = client.request(
        "POST", f"/api/v2/workflow/{first['id']}/rerun", body={"from_failed": True}
    )
    assert answer.status == 202, answer
    again = ended(site, answer.json()["workflow_id"])
    assert again["status"] == "success"
    before, after = client.jobs(first["id"]), client.jobs(again["id"])
    assert before["build"]["id"] == after["build"]["id"]
    assert before["flaky"]["id"] != after["flaky"]["id"]


def test_a_workflow_reruns_itself_where_its_config_says_so(site: Site) -> None:
    client = site.client
    project = site.project(FLAKY.replace("    jobs: [", "    max_auto_reruns: 2\n    jobs: ["))
    pipeline = client.trigger(project.slug, branch="main")
    client.compiled(pipeline["id"])
    runs = until(
        lambda: list(client.items(f"/api/v2/pipeline/{pipeline['id']}/workflow")),
        lambda found: len(found) == 2 and all(it["status"] in ENDED for it in found),
    )
    assert [(it["status"], it.get("auto_rerun_number"), it["max_auto_reruns"]) for it in runs] == [
        ("failed", None, 2),
        ("success", 1, 2),
    ]
