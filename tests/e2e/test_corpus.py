"""Published configs run to the end through the API, each with its documented outcome."""

from dataclasses import dataclass, field

import pytest

from tests.e2e.client import until
from tests.e2e.site import Project, Site
from tests.spec import SPEC

pytestmark = [pytest.mark.spec, pytest.mark.e2e]

RUNNABLE = SPEC / "corpus" / "runnable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One pipeline of a config: what triggers it, and what must come of it."""

    jobs: dict[str, str]  # every job that is listed, over all workflows
    status: str = "success"  # of every workflow
    trigger: dict[str, object] = field(default_factory=lambda: {"branch": "main"})
    approves: str | None = None
    prints: dict[str, str] = field(default_factory=dict)  # job -> a text in its output
    never_prints: dict[str, str] = field(default_factory=dict)


ONE_BUILD = Run(jobs={"build": "success"})
RUNS: dict[str, list[Run]] = {
    "01-hello-build-only": [Run(jobs={"build": "success"}, prints={"build": "hello world"})],
    "02-v20-no-workflow": [ONE_BUILD],
    "03-hello-and-goodbye": [
        Run(
            jobs={"say_hello": "success", "say_goodbye": "success"},
            prints={"say_hello": "Say hello to YAML!", "say_goodbye": "Say goodbye to YAML!"},
        )
    ],
    "04-approval-chain": [
        Run(
            jobs={
                "Hello-World": "success",
                "Fetch-Code": "success",
                "Using-Python": "success",
                "Hold-for-Approval": "success",
                "Now-Complete": "success",
            },
            approves="Hold-for-Approval",
            prints={"Fetch-Code": "README.md", "Now-Complete": "The work is now complete."},
        )
    ],
    "05-workspace-echo": [
        Run(jobs={"flow": "success", "downstream": "success"}, prints={"downstream": "It worked!"})
    ],
    "07-pipeline-params": [
        Run(
            jobs={"build": "success"},
            trigger={"branch": "main", "parameters": {"image-tag": "other"}},
            prints={"build": "Image tag used was other"},
        )
    ],
    "08-nested-commands-params": [
        Run(
            jobs={"daily-message": "success", "second": "success"},
            prints={"daily-message": "Printing hello", "second": "Printing bye"},
        )
    ],
    "09-enum-select-workflow": [
        ONE_BUILD,
        Run(
            jobs={"report": "success"},
            trigger={"branch": "main", "parameters": {"action": "report"}},
        ),
    ],
    "11-bash-env": [ONE_BUILD],
    "13-run-when": [
        Run(
            jobs={"build": "failed"},
            status="failed",
            prints={"build": "on_fail"},
            never_prints={"build": "never"},
        )
    ],
    "14-background-service": [Run(jobs={"build": "success"}, prints={"build": "pong"})],
    "15-artifacts-tests": [ONE_BUILD],
    "16-cache-roundtrip": [
        Run(jobs={"build": "success"}, prints={"build": "MISS"}),
        Run(jobs={"build": "success"}, prints={"build": "HIT"}),
    ],
    "18-filters-branches-tags": [
        Run(jobs={"build": "success", "deploy": "success"}, prints={"build": "main|"}),
        Run(jobs={"build": "success"}, trigger={"branch": "dev"}, prints={"build": "dev|"}),
        Run(
            jobs={"build": "success", "release": "success"},
            trigger={"tag": "v1.0"},
            prints={"build": "|v1.0"},
        ),
    ],
    "19-anchors-merge-2.0": [
        Run(jobs={"install": "success", "lint": "success", "unit": "success"})
    ],
    "20-tests-split": [Run(jobs={"test": "success"})],
    "21-step-halt": [ONE_BUILD],
    "23-inline-orb": [
        Run(
            jobs={"my/greet": "success", "own": "success"},
            prints={"my/greet": "Hello You", "own": "Hello World"},
        )
    ],
    "25-auto-rerun": [Run(jobs={"my-job": "success"})],
    "27-shell-and-timeout": [Run(jobs={"build": "timedout"}, status="failed")],
    "28-expression-when": [Run(jobs={"j": "success"})],
}


@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_published_config_ends_as_documented(name: str, site: Site) -> None:
    project = site.project((RUNNABLE / f"{name}.yml").read_bytes())
    project.repository.git("branch", "dev")
    project.repository.git("tag", "v1.0")
    for run in RUNS[name]:
        check(run, site, project)


def check(run: Run, site: Site, project: Project) -> None:
    """Trigger, follow to the end, and compare jobs, workflows and output."""
    client = site.client
    pipeline = client.trigger(project.slug, **run.trigger)
    if run.approves is not None:
        approve(site, pipeline["id"], run.approves)
    workflows = client.finished(pipeline["id"])
    jobs = {
        name: job
        for workflow in workflows.values()
        for name, job in client.jobs(workflow["id"]).items()
    }
    assert {name: job["status"] for name, job in jobs.items()} == run.jobs
    assert {workflow["status"] for workflow in workflows.values()} == {run.status}
    for wanted in (run.prints, run.never_prints):
        for name, text in wanted.items():
            output = "".join(client.output(project.slug, jobs[name]["job_number"]).values())
            assert (text in output) == (wanted is run.prints), output


def approve(site: Site, pipeline_id: str, name: str) -> None:
    """Wait until only the approval is left, then give it."""
    client = site.client
    client.compiled(pipeline_id)
    (workflow,) = until(
        lambda: list(client.workflows(pipeline_id).values()),
        lambda workflows: [w["status"] for w in workflows] == ["on_hold"],
    )
    job = client.jobs(workflow["id"])[name]
    assert job["status"] == "on_hold"
    answer = client.request(
        "POST", f"/api/v2/workflow/{workflow['id']}/approve/{job['approval_request_id']}"
    )
    assert answer.status == 202, repr(answer)
