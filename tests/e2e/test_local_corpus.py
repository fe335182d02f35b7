"""Published configs run by `roundel run` as by the server: the same jobs, the same results."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_corpus import RUNNABLE, RUNS, Run
from tests.local import Checkout
from tests.spec import SPEC

pytestmark = [pytest.mark.spec, pytest.mark.e2e]

SETUP = SPEC / "corpus" / "runnable" / "24-setup-continuation.yml"


@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_published_config_ends_here_as_on_the_server(name: str, tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, (RUNNABLE / f"{name}.yml").read_text(), {"README.md": "hello\n"})
    for run in RUNS[name]:
        events = events_of(checkout, *options_of(run))
        summary = events[-1]
        assert {job["name"]: job["status"] for job in summary["jobs"]} == run.jobs
        assert {status for _, status in summary["workflows"]} == {run.status}
        assert summary["succeeded"] == (run.status == "success")
        for job, text in run.prints.items():
            assert text in output_of(events, job)
        for job, text in run.never_prints.items():
            assert text not in output_of(events, job)


def test_a_setup_config_goes_on_with_what_its_job_hands_over(tmp_path: Path) -> None:
    summary = events_of(Checkout(tmp_path, SETUP.read_text()))[-1]
    assert summary["succeeded"] is True
    assert summary["workflows"] == [["setup", "success"], ["continued", "success"]]
    assert {job["name"]: job["status"] for job in summary["jobs"]} == {
        "setup": "success",
        "generated": "success",
    }


def test_a_published_config_takes_its_context_from_a_file(tmp_path: Path) -> None:
    text = (RUNNABLE / "12-context-env.yml").read_text()
    checkout = Checkout(tmp_path, text)
    (tmp_path / "context.env").write_text("MY_ENV_VAR=a value of its own\n")
    for option in (f"{tmp_path}/context.env", f"my_context_name={tmp_path}/context.env"):
        name = "--context" if "=" in option else "--env-file"
        events = events_of(checkout, name, option)
        assert {job["name"]: job["status"] for job in events[-1]["jobs"]} == {"build": "success"}
        assert "****" in output_of(events, "build")
        assert "a value of its own" not in output_of(events, "build")


def options_of(run: Run) -> list[str]:
    trigger: dict[str, Any] = dict(run.trigger)
    parameters = trigger.pop("parameters", {})
    options = [word for key, value in trigger.items() for word in (f"--{key}", value)]
    options += [word for key, value in parameters.items() for word in ("-p", f"{key}={value}")]
    return [*options, "--approve", run.approves] if run.approves else options


def events_of(checkout: Checkout, *options: str) -> list[dict[str, Any]]:
    done = checkout.run("--json", *options)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def output_of(events: list[dict[str, Any]], job: str) -> str:
    lines = [event for event in events if event["event"] == "output"]
    return "\n".join(line["text"] for line in lines if line["task"]["name"] == job)
