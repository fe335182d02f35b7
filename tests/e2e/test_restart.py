"""A server that dies in the middle finishes, once started again, all that it had accepted."""

import http.client
from typing import Any
from urllib.parse import urlsplit

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


HOLD = """
version: 2.1
workflows: {w: {jobs: [hold: {type: approval}]}}
"""


def test_a_server_that_is_asked_to_stop_closes_the_streams_of_those_who_look_on(
    fresh_site: Site,
) -> None:
    site = fresh_site
    accepted = site.client.trigger(site.project(HOLD).slug, branch="main")
    where = urlsplit(site.server.url)
    looking = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    path = f"/api/v2/pipeline/{accepted['id']}/events"
    looking.request("GET", path, headers={"Circle-Token": site.server.token})
    stream = looking.getresponse()
    assert stream.readline().startswith(b"id: ")
    assert site.server.stop() == 0
    assert stream.read().endswith(b"\n\n")  # whole: else this raises IncompleteRead
    looking.close()
    assert '"level":"error"' not in site.server.log


TRANSFERS = """
version: 2.1
jobs:
  first:
    docker: [{image: 'cimg/base:stable'}]
    steps:
      - run: |
          mkdir d; head -c 40000000 /dev/urandom >d/f; cp d/f d/g; sha256sum d/f >d/sum
      - save_cache: {name: save, key: k, paths: [d]}
      - persist_to_workspace: {name: persist, root: ., paths: [d]}
      - store_artifacts: {name: store, path: d}
  second:
    docker: [{image: 'cimg/base:stable'}]
    steps:
      - restore_cache: {name: restore, key: k}
      - run: sha256sum -c d/sum; cmp d/f d/g; rm -r d
      - attach_workspace: {name: attach, at: .}
      - run: sha256sum -c d/sum; cmp d/f d/g
workflows:
  w:
    jobs: [first, second: {requires: [first]}]
"""


@pytest.mark.parametrize("phase", ["save", "persist", "store", "restore", "attach"])
def test_a_server_killed_in_a_transfer_carries_it_whole_after_a_restart(
    phase: str, fresh_site: Site
) -> None:
    site = fresh_site
    slug = site.project(TRANSFERS).slug
    accepted = site.client.trigger(slug, branch="main")
    number = 1 if phase in ("save", "persist", "store") else 2

    def begun() -> bool:
        answer = site.client.request("GET", f"/api/v1.1/project/{slug}/{number}")
        steps = answer.json()["steps"] if answer.status == 200 else []
        return any(step["name"] == phase for step in steps)

    until(begun, bool)
    site.server.kill()
    site.server.start()
    (workflow,) = site.client.finished(accepted["id"], within=90).values()
    jobs = site.client.jobs(workflow["id"])
    logs = [site.client.output(slug, n) for n in (1, 2) if jobs.get("second")]
    assert {n: j["status"] for n, j in jobs.items()} == {"first": "success", "second": "success"}, (
        logs
    )
