"""Rules of workflows through the API, with real jobs."""

import pytest

from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

RULES = """\
version: 2.1
jobs:
  lock: {type: lock, key: env}
  unlock: {type: unlock, key: env}
  gate: {type: no-op}
  build:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: echo built}]
  deploy:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: echo "only one at a time"}]
workflows:
  main:
    jobs:
      - lock
      - build: {requires: [lock]}
      - unlock: {requires: [{build: terminal}]}
      - gate: {requires: [build, unlock]}
      - deploy: {requires: [gate], serial-group: prod}
"""


def test_locks_gates_and_serial_groups_let_every_pipeline_through(site: Site) -> None:
    client = site.client
    project = site.project(RULES)
    pipelines = [client.trigger(project.slug, branch="main") for _ in range(3)]
    for number, pipeline in enumerate(pipelines):
        workflow = client.finished(pipeline["id"])["main"]
        jobs = client.jobs(workflow["id"])
        statuses = {name: job["status"] for name, job in jobs.items()}
        # An older pipeline whose turn comes after a newer one's is skipped.
        assert statuses.pop("deploy") in ({"success"} if number == 2 else {"success", "canceled"})
        assert set(statuses.values()) == {"success"}
        assert jobs["gate"]["type"] == "no-op"


def test_a_commit_that_says_so_runs_nothing(site: Site) -> None:
    project = site.project(RULES)
    project.repository.commit("Only words\n\n[skip ci]")
    answer = site.client.request(
        "POST", f"/api/v2/project/{project.slug}/pipeline", body={"branch": "main"}
    )
    assert (answer.status, set(answer.json())) == (200, {"message"})
    assert list(site.client.items(f"/api/v2/project/{project.slug}/pipeline")) == []


SLOW = """\
version: 2.1
jobs:
  wait:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: 'if test "$CIRCLE_PIPELINE_NUMBER" = 1; then sleep 60; fi'}]
workflows:
  main: {jobs: [wait]}
"""


def test_a_newer_pipeline_of_a_branch_cancels_the_older_one(site: Site) -> None:
    client = site.client
    project = site.project(SLOW)
    project.repository.git("branch", "feature")
    settings = f"/api/v2/project/{project.slug}/settings"
    chosen = {"advanced": {"autocancel_builds": True}}
    assert client.request("PATCH", settings, body=chosen).status == 200
    older = client.trigger(project.slug, branch="feature")
    client.compiled(older["id"])
    newer = client.trigger(project.slug, branch="feature")
    assert client.finished(newer["id"])["main"]["status"] == "success"
    assert client.finished(older["id"])["main"]["status"] == "canceled"


WAITING = """\
version: 2.1
jobs:
  slow:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: sleep 60}]
workflows:
  main: {jobs: [slow, slow: {name: after, requires: [slow]}]}
"""


def test_the_command_says_what_a_job_waits_for(site: Site) -> None:
    client = site.client
    project = site.project(WAITING)
    pipeline = client.compiled(client.trigger(project.slug, branch="main")["id"])
    workflow = client.workflows(pipeline["id"])["main"]
    jobs = client.jobs(workflow["id"])
    done = site.command("why", jobs["after"]["id"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "after is blocked. It requires jobs that have not ended: slow ("
    ), done.stdout
    done = site.command("why", f"{project.slug}/{jobs['slow']['job_number']}")
    assert done.stdout.startswith("slow is "), done.stderr
    client.request("POST", f"/api/v2/workflow/{workflow['id']}/cancel")
    client.finished(pipeline["id"])
