"""A server killed at each phase finishes, once started again, all that it had accepted: once."""

import contextlib
import http.client
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.client import until
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

VICTIM = str(Path(__file__).with_name("victim.py"))
LINES = 40

CONFIG = f"""
version: 2.1
jobs:
  count: &job
    machine: true
    steps:
      - run: {{name: count, command: 'for i in $(seq 1 {LINES}); do echo line $i; done; sleep 0.1'}}
      - run: {{name: again, command: 'for i in $(seq 1 {LINES}); do echo line $i; done'}}
  after: *job
workflows:
  w:
    jobs: [count, ok: {{type: approval, requires: [count]}}, after: {{requires: [ok]}}]
"""
WHOLE = "".join(f"line {n}\n" for n in range(1, LINES + 1))

PHASES = {
    "triggered": "services.pipelines.trigger_pipeline",
    "compiled": "services.pipelines._settle",
    "claimed": "services.claim_desk._drafts",
    "running": "services.output.take_shipment",
    "finished": "services.output.take_end",
    "approved": "services.approvals.approve_job",
    "beating": "Ticks._tick",
}


def asked(site: Site, method: str, path: str, body: Any = None) -> Any | None:
    """Return the answer, or None where the server died over it."""
    try:
        answer = site.client.request(method, path, body=body)
    except (http.client.HTTPException, OSError):
        return None
    assert answer.status < 500, answer
    return answer.json()


def approve(site: Site, pipeline: str) -> None:
    """Approve what waits for it, if it does."""
    for workflow in site.client.workflows(pipeline).values():
        for job in site.client.jobs(workflow["id"]).values():
            if job["type"] == "approval" and job["status"] == "on_hold":
                target = f"/api/v2/workflow/{workflow['id']}/approve/{job['approval_request_id']}"
                asked(site, "POST", target)


@pytest.mark.parametrize("moment", ["before", "inside", "after"])
@pytest.mark.parametrize("phase", PHASES)
def test_a_server_killed_at_a_phase_loses_and_doubles_nothing(
    site: Site, phase: str, moment: str
) -> None:
    server = site.server
    slug = site.project(CONFIG).slug
    server.stop()

    server.program = (sys.executable, VICTIM, PHASES[phase], moment)
    with_start = phase == "beating"  # it dies before it is ready
    accepted = None
    with contextlib.suppress(*([AssertionError] if with_start else [])):
        server.start()
    if not with_start:
        accepted = asked(site, "POST", f"/api/v2/project/{slug}/pipeline", {"branch": "main"})
    while server.alive and accepted is not None:
        with contextlib.suppress(http.client.HTTPException, OSError), server.client() as client:
            approve(replace(site, client=client), accepted["id"])
    until(lambda: server.alive, lambda alive: not alive)
    until(lambda: server.log, lambda log: "stopped at " in log)

    server.program = (sys.executable, "-m", "roundel")
    server.start()
    with server.client() as client:
        see_through(replace(site, client=client), slug, accepted)


def see_through(site: Site, slug: str, accepted: Any | None) -> None:
    """See that what was accepted is there once, and that it ends well."""
    listed = site.client.request("GET", f"/api/v2/project/{slug}/pipeline").json()["items"]
    assert len(listed) == (1 if accepted else len(listed[:1]))
    if not listed:
        listed = [site.client.trigger(slug, branch="main")]
    assert accepted is None or accepted["id"] == listed[0]["id"]
    check(site, slug, listed[0]["id"])


def check(site: Site, slug: str, pipeline: str) -> None:
    """See the pipeline through: each job ended once, and said every line once."""
    until(
        lambda: (approve(site, pipeline), site.client.workflows(pipeline))[1],
        lambda found: bool(found) and all(it["stopped_at"] for it in found.values()),
    )
    (workflow,) = site.client.workflows(pipeline).values()
    jobs = site.client.jobs(workflow["id"])
    assert {name: job["status"] for name, job in jobs.items()} == dict.fromkeys(jobs, "success")
    assert workflow["status"] == "success"
    for name in ("count", "after"):
        output = site.client.output(slug, jobs[name]["job_number"])
        assert (output["count"], output["again"]) == (WHOLE, WHOLE)
