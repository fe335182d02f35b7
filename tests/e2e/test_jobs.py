"""Whole pipelines on real back ends: what a user of the API sees of them."""

import pytest

from tests.e2e.client import until
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

DOCKER = "docker: [{image: 'cimg/base:stable'}]"

PARAMETERS = f"""
version: 2.1
parameters:
  who: {{type: string, default: nobody}}
  times: {{type: integer, default: 1}}
  loud: {{type: boolean, default: false}}
jobs:
  greet:
    {DOCKER}
    steps:
      - run: echo "<< pipeline.parameters.who >> x<< pipeline.parameters.times >>"
      - when:
          condition: << pipeline.parameters.loud >>
          steps: [{{run: echo LOUD}}]
workflows:
  w: {{jobs: [greet]}}
"""


def test_parameters_of_the_trigger_reach_the_steps(site: Site) -> None:
    project = site.project(PARAMETERS)
    parameters = {"who": "Grace", "times": 3, "loud": True}
    pipeline = site.client.trigger(project.slug, branch="main", parameters=parameters)
    site.client.finished(pipeline["id"])
    output = "".join(site.client.output(project.slug, 1).values())
    assert "Grace x3" in output
    assert "LOUD" in output
    assert site.client.pipeline(pipeline["id"])["trigger_parameters"] == parameters


MATRIX = f"""
version: 2.1
jobs:
  cell:
    {DOCKER}
    parameters:
      os: {{type: string}}
      n: {{type: integer}}
    steps: [{{run: echo "<< parameters.os >>/<< parameters.n >>"}}]
  last:
    {DOCKER}
    steps: [{{run: echo last}}]
workflows:
  w:
    jobs:
      - cell:
          matrix:
            parameters: {{os: [linux, bsd], n: [1, 2]}}
            exclude: [{{os: bsd, n: 2}}]
      - last: {{requires: [cell]}}
"""


def test_a_job_that_requires_a_matrix_starts_after_all_of_its_cells(site: Site) -> None:
    project = site.project(MATRIX)
    pipeline = site.client.trigger(project.slug, branch="main")
    (workflow,) = site.client.finished(pipeline["id"]).values()
    jobs = site.client.jobs(workflow["id"])
    assert {name: job["status"] for name, job in jobs.items()} == {
        "cell-1-linux": "success",
        "cell-2-linux": "success",
        "cell-1-bsd": "success",
        "last": "success",
    }
    cells = [job for name, job in jobs.items() if name != "last"]
    assert all(job["stopped_at"] <= jobs["last"]["started_at"] for job in cells)
    assert set(jobs["last"]["dependencies"]) == {job["id"] for job in cells}


FAILURE = f"""
version: 2.1
jobs:
  breaks:
    {DOCKER}
    steps:
      - run: {{name: before, command: echo before}}
      - run: {{name: break, command: exit 3}}
      - run: {{name: after, command: echo after}}
      - run: {{name: on fail, when: on_fail, command: echo rescued}}
      - run: {{name: at the end, when: always, command: echo end}}
  next:
    {DOCKER}
    steps: [{{run: echo next}}]
workflows:
  w:
    jobs: [breaks, next: {{requires: [breaks]}}]
"""


def test_a_failing_step_fails_its_job_and_drops_what_requires_it(site: Site) -> None:
    project = site.project(FAILURE)
    pipeline = site.client.trigger(project.slug, branch="main")
    (workflow,) = site.client.finished(pipeline["id"]).values()
    assert workflow["status"] == "failed"
    jobs = site.client.jobs(workflow["id"])
    assert {n: j["status"] for n, j in jobs.items()} == {"breaks": "failed", "next": "not_run"}
    steps = site.client.build(project.slug, jobs["breaks"]["job_number"])["steps"]
    codes = {step["name"]: step["actions"][0]["exit_code"] for step in steps}
    assert (codes["before"], codes["break"], codes["on fail"], codes["at the end"]) == (0, 3, 0, 0)
    assert "after" not in codes


APPROVAL = f"""
version: 2.1
jobs:
  ship: {{{DOCKER}, steps: [{{run: echo shipped}}]}}
workflows:
  w:
    jobs:
      - hold: {{type: approval}}
      - ship: {{requires: [hold]}}
"""


def test_a_workflow_is_held_until_it_is_approved(site: Site) -> None:
    project = site.project(APPROVAL)
    client = site.client
    pipeline = client.trigger(project.slug, branch="main")
    client.compiled(pipeline["id"])
    workflow = client.workflows(pipeline["id"])["w"]
    until(lambda: client.get(f"/api/v2/workflow/{workflow['id']}")["status"], "on_hold".__eq__)
    jobs = client.jobs(workflow["id"])
    assert (jobs["hold"]["status"], jobs["ship"]["status"]) == ("on_hold", "blocked")
    approval = jobs["hold"]["approval_request_id"]
    answer = client.request("POST", f"/api/v2/workflow/{workflow['id']}/approve/{approval}")
    assert answer.status == 202
    assert client.finished(pipeline["id"])["w"]["status"] == "success"


TIMING = f"""
version: 2.1
jobs:
  build:
    {DOCKER}
    steps:
      - run: {{name: pass on, command: 'echo "export HANDED=over" >> "$BASH_ENV"'}}
      - run: {{name: server, background: true, command: 'echo up > up.txt; sleep 600'}}
      - run:
          name: both seen
          command: |
            until [ -s up.txt ]; do sleep 0.05; done
            echo "handed $HANDED"
      - run: {{name: silent, no_output_timeout: 1s, command: sleep 600}}
workflows:
  w: {{jobs: [build]}}
"""


def test_a_silent_step_is_stopped_and_background_steps_end_with_the_job(site: Site) -> None:
    project = site.project(TIMING)
    pipeline = site.client.trigger(project.slug, branch="main")
    (workflow,) = site.client.finished(pipeline["id"]).values()
    assert workflow["status"] == "failed"
    output = site.client.output(project.slug, 1)
    assert "handed over" in output["both seen"]
    assert "Too long with no output (exceeded 1s)" in output["silent"]


PARALLEL = f"""
version: 2.1
jobs:
  split:
    {DOCKER}
    parallelism: 3
    steps: [{{run: {{name: who, command: 'echo "node $CIRCLE_NODE_INDEX of $CIRCLE_NODE_TOTAL"'}}}}]
workflows:
  w: {{jobs: [split]}}
"""


def test_every_node_of_a_parallel_job_knows_its_index(site: Site) -> None:
    project = site.project(PARALLEL)
    pipeline = site.client.trigger(project.slug, branch="main")
    (workflow,) = site.client.finished(pipeline["id"]).values()
    assert workflow["status"] == "success"
    output = site.client.output(project.slug, 1)["who"]
    assert all(f"node {n} of 3" in output for n in range(3)), output


LIVE = f"""
version: 2.1
jobs:
  slow:
    {DOCKER}
    steps: [{{run: {{name: talk, command: 'echo first; sleep 600; echo never'}}}}]
  next: {{{DOCKER}, steps: [{{run: echo next}}]}}
workflows:
  w:
    jobs: [slow, next: {{requires: [slow]}}]
"""


def test_output_is_there_while_a_step_runs_and_a_cancelled_workflow_stops(site: Site) -> None:
    project = site.project(LIVE)
    client = site.client
    pipeline = client.trigger(project.slug, branch="main")
    client.compiled(pipeline["id"])
    until(lambda: client.output(project.slug, 1).get("talk", ""), lambda text: "first" in text)
    workflow = client.workflows(pipeline["id"])["w"]
    assert workflow["status"] == "running"
    answer = client.request("POST", f"/api/v2/workflow/{workflow['id']}/cancel")
    assert answer.status == 202
    assert client.finished(pipeline["id"])["w"]["status"] == "canceled"
    jobs = client.jobs(workflow["id"])
    assert {n: j["status"] for n, j in jobs.items()} == {"slow": "canceled", "next": "not_run"}
    assert "never" not in client.output(project.slug, 1)["talk"]


LOUD = f"""
version: 2.1
jobs:
  loud:
    {DOCKER}
    steps: [{{run: {{name: count, command: 'seq 1 200000'}}}}]
workflows:
  w: {{jobs: [loud]}}
"""


def test_a_long_output_arrives_whole_and_in_order(site: Site) -> None:
    project = site.project(LOUD)
    pipeline = site.client.trigger(project.slug, branch="main")
    (workflow,) = site.client.finished(pipeline["id"]).values()
    assert workflow["status"] == "success"
    lines = site.client.output(project.slug, 1)["count"].split()
    assert lines == [str(n) for n in range(1, 200_001)]
