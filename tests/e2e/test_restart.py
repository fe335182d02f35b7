"""A server that dies in the middle finishes, once started again, all that it had accepted."""

from typing import Any

import pytest

from tests.e2e.client import until
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

PIPELINES = 4
LINES = 20
COUNTING = f"for i in $(seq 1 {LINES}); do echo line $i; sleep 0.05; done"

CHAIN = f"""
version: 2.1
jobs:
  count: &job
    docker: [{{image: 'cimg/base:stable'}}]
    steps:
      - run: {{name: count, command: '{COUNTING}'}}
      - run: {{name: count again, command: '{COUNTING}'}}
  check: *job
  close: *job
workflows:
  w:
    jobs: [count, check: {{requires: [count]}}, close: {{requires: [check]}}]
"""


def speaking(site: Site) -> tuple[str, list[dict[str, Any]]]:
    """Trigger pipelines, and return once the first job has begun to speak.

    Then one more job runs or waits, and the later ones of every workflow do not exist yet.
    """
    slug = site.project(CHAIN).slug
    accepted = [site.client.trigger(slug, branch="main") for _ in range(PIPELINES)]
    site.client.compiled(accepted[0]["id"])

    def output() -> str:
        answer = site.client.request("GET", f"/api/v1.1/project/{slug}/1")
        return site.client.output(slug, 1).get("count", "") if answer.status == 200 else ""

    until(output, lambda text: "line 3" in text)
    return slug, accepted


def test_a_killed_server_finishes_every_accepted_workflow_after_a_restart(fresh_site: Site) -> None:
    site = fresh_site
    slug, accepted = speaking(site)
    site.server.kill()
    site.server.start()

    assert [pipeline["number"] for pipeline in accepted] == list(range(1, PIPELINES + 1))
    for pipeline in accepted:
        (workflow,) = site.client.finished(pipeline["id"], within=90).values()
        jobs = site.client.jobs(workflow["id"])
        assert {n: j["status"] for n, j in jobs.items()} == dict.fromkeys(jobs, "success")
        assert workflow["status"] == "success"
        for job in jobs.values():
            output = site.client.output(slug, job["job_number"])
            wanted = [f"line {n}" for n in range(1, LINES + 1)]
            assert output["count"].splitlines() == wanted
            assert output["count again"].splitlines() == wanted


def test_a_server_that_is_asked_to_stop_ends_with_zero_and_goes_on_after_a_restart(
    fresh_site: Site,
) -> None:
    site = fresh_site
    _, accepted = speaking(site)
    assert site.server.stop() == 0
    site.server.start()
    for pipeline in accepted:
        (workflow,) = site.client.finished(pipeline["id"], within=90).values()
        assert workflow["status"] == "success"
