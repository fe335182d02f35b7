"""A server that dies in the middle finishes, once started again, all that it had accepted."""

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


def test_a_killed_server_finishes_every_accepted_workflow_after_a_restart(fresh_site: Site) -> None:
    site = fresh_site
    project = site.project(CHAIN)
    accepted = [site.client.trigger(project.slug, branch="main") for _ in range(PIPELINES)]
    # The first job has begun to speak, another is waiting, and later ones do not exist yet.
    until(
        lambda: list(site.client.output(project.slug, 1).values()), lambda o: "line 3" in "".join(o)
    )
    site.server.kill()
    site.server.start()

    assert [pipeline["number"] for pipeline in accepted] == list(range(1, PIPELINES + 1))
    for pipeline in accepted:
        (workflow,) = site.client.finished(pipeline["id"], within=90).values()
        jobs = site.client.jobs(workflow["id"])
        assert {n: j["status"] for n, j in jobs.items()} == dict.fromkeys(jobs, "success")
        assert workflow["status"] == "success"
        for job in jobs.values():
            output = site.client.output(project.slug, job["job_number"])
            wanted = [f"line {n}" for n in range(1, LINES + 1)]
            assert output["count"].splitlines() == wanted
            assert output["count again"].splitlines() == wanted


def test_a_server_that_is_asked_to_stop_ends_with_zero_and_goes_on_after_a_restart(
    fresh_site: Site,
) -> None:
    site = fresh_site
    project = site.project(CHAIN)
    pipeline = site.client.trigger(project.slug, branch="main")
    until(
        lambda: list(site.client.output(project.slug, 1).values()), lambda o: "line 3" in "".join(o)
    )
    assert site.server.stop() == 0
    site.server.start()
    (workflow,) = site.client.finished(pipeline["id"], within=90).values()
    assert workflow["status"] == "success"
