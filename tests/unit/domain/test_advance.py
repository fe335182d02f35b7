"""What a workflow does next."""

import pytest

from roundel.domain.flows import Drop, Hold, Pass, Start, WorkflowStatus, advance, status_of
from tests.builders import a_flow

DIAMOND = ("build", "lint", "deploy<build,lint")


def test_jobs_without_requirements_start_at_once() -> None:
    assert advance(a_flow(*DIAMOND)) == [Start("build"), Start("lint")]


def test_a_job_starts_once_everything_it_requires_has_succeeded() -> None:
    assert advance(a_flow(*DIAMOND, build="success", lint="running")) == []
    assert advance(a_flow(*DIAMOND, build="success", lint="success")) == [Start("deploy")]


def test_a_job_is_dropped_as_soon_as_one_requirement_cannot_be_met() -> None:
    assert advance(a_flow(*DIAMOND, build="failed", lint="running")) == [Drop("deploy")]


def test_a_dropped_job_takes_those_that_require_it_along() -> None:
    flow = a_flow("build", "test<build", "deploy<test", build="failed")
    assert advance(flow) == [Drop("test"), Drop("deploy")]


def test_a_cascade_does_not_depend_on_the_order_of_the_config() -> None:
    flow = a_flow("deploy<test", "test<build", "build", build="failed")
    assert advance(flow) == [Drop("deploy"), Drop("test")]


def test_a_job_may_require_that_another_has_failed() -> None:
    assert advance(a_flow("build", "mend<build:failed", build="failed")) == [Start("mend")]
    assert advance(a_flow("build", "mend<build:failed", build="timedout")) == [Start("mend")]
    assert advance(a_flow("build", "mend<build:failed", build="success")) == [Drop("mend")]


def test_a_job_may_run_after_a_job_that_did_not() -> None:
    flow = a_flow("build", "skipped<build", "tidy<skipped:not_run|success", build="failed")
    assert advance(flow) == [Drop("skipped"), Start("tidy")]


def test_an_approval_that_is_due_waits_for_a_person() -> None:
    assert advance(a_flow("ok?<build", "build", build="success")) == [Hold("ok")]


def test_a_job_without_a_machine_succeeds_when_it_is_due() -> None:
    assert advance(a_flow("gate!<build", "build", build="success")) == [Pass("gate")]


def test_filtered_out_requirements_count_as_absent() -> None:
    flow = a_flow("lint", "deploy<build,lint", "build", lint="success", excluded=("build",))
    assert advance(flow) == [Start("deploy")]


def test_a_job_all_of_whose_requirements_were_filtered_out_does_not_run() -> None:
    assert advance(a_flow("deploy<build", "build", excluded=("build",))) == [Drop("deploy")]


def test_nothing_new_begins_in_a_workflow_that_is_being_canceled() -> None:
    flow = a_flow(*DIAMOND, canceling=True, build="running", lint="success")
    assert advance(flow) == [Drop("deploy")]


@pytest.mark.parametrize(
    ("build", "lint", "deploy", "called"),
    [
        ("running", "success", "blocked", "running"),
        ("failed", "running", "not_run", "failing"),
        ("failed", "success", "not_run", "failed"),
        ("success", "success", "success", "success"),
        ("success", "success", "on_hold", "on_hold"),
        ("running", "success", "on_hold", "running"),
        ("failed", "on_hold", "blocked", "failing"),
        ("canceled", "success", "not_run", "canceled"),
        ("unauthorized", "success", "not_run", "unauthorized"),
        ("infrastructure_fail", "success", "not_run", "failed"),
        ("unauthorized", "canceled", "not_run", "canceled"),
        ("unauthorized", "failed", "not_run", "unauthorized"),
        ("failed", "canceled", "not_run", "canceled"),
    ],
)
def test_a_workflow_is_called_what_its_jobs_make_of_it(
    build: str, lint: str, deploy: str, called: str
) -> None:
    flow = a_flow(*DIAMOND, build=build, lint=lint, deploy=deploy)
    assert status_of(flow) == WorkflowStatus(called)


def test_a_workflow_is_canceled_only_once_everything_has_stopped() -> None:
    flow = a_flow(*DIAMOND, canceling=True, build="running", lint="success", deploy="not_run")
    assert status_of(flow) == WorkflowStatus.RUNNING
    flow = a_flow(*DIAMOND, canceling=True, build="canceled", lint="success", deploy="not_run")
    assert status_of(flow) == WorkflowStatus.CANCELED
