"""Choosing workflows and jobs of a plan."""

import pytest

from roundel.compiler import compile_config
from roundel.domain.plan import Plan
from roundel.services.choosing import Choice, NoSuchChoice, choose, stubbed

CONFIG = """
version: 2.1
jobs:
  build:
    parameters: {v: {type: string, default: x}}
    docker: [{image: a}]
    steps: [checkout, {run: make}]
workflows:
  main:
    jobs:
      - build: {name: lint}
      - build: {matrix: {alias: all, parameters: {v: ["1", "2"]}}}
      - build: {name: deploy, requires: [all]}
      - build: {name: release, filters: {branches: {only: stable}}}
  other:
    jobs: [build]
  nightly:
    triggers: [{schedule: {cron: "0 0 * * *", filters: {branches: {only: main}}}}]
    jobs: [build]
  never:
    when: false
    jobs: [build]
"""


def a_plan() -> Plan:
    plan = compile_config(CONFIG, values={"pipeline.git.branch": "main"}).plan
    assert plan is not None
    return plan


def running(plan: Plan) -> dict[str, list[str]]:
    return {
        flow.name: [slot.name for slot in flow.slots if slot.excluded is None]
        for flow in plan.workflows
    }


def test_without_names_all_but_scheduled_workflows_run() -> None:
    chosen = choose(a_plan(), Choice())
    assert set(running(chosen)) == {"main", "other"}
    assert any(drop.workflow == "nightly" for drop in chosen.dropped)


def test_a_job_comes_with_what_it_requires() -> None:
    chosen = choose(a_plan(), Choice(names=("deploy",)))
    assert running(chosen) == {"main": ["build-1", "build-2", "deploy"]}


def test_a_job_alone_waits_for_nobody() -> None:
    chosen = choose(a_plan(), Choice(names=("deploy",), only=True))
    assert running(chosen) == {"main": ["deploy"]}
    (flow,) = chosen.workflows
    assert [slot.requires for slot in flow.slots if slot.name == "deploy"] == [()]


def test_a_workflow_is_chosen_as_a_whole() -> None:
    assert running(choose(a_plan(), Choice(names=("other",)))) == {"other": ["build"]}


def test_a_scheduled_workflow_runs_now_when_it_is_named() -> None:
    chosen = choose(a_plan(), Choice(names=("nightly",)))
    assert running(chosen) == {"nightly": ["build"]}
    assert chosen.workflows[0].schedules == ()


@pytest.mark.parametrize("name", ["build-1", "build-[1]"])
def test_one_member_of_a_matrix_can_be_chosen(name: str) -> None:
    assert running(choose(a_plan(), Choice(names=(name,)))) == {"main": ["build-1"]}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("relaese", "there is no workflow or job"),
        ("release", "does not run: branch 'main'"),
        ("never", "workflow 'never' does not run"),
    ],
)
def test_what_cannot_be_chosen_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(NoSuchChoice, match=why):
        choose(a_plan(), Choice(names=(name,)))


def test_stubs_have_one_step_that_does_nothing() -> None:
    for job in stubbed(a_plan()).jobs.values():
        assert [step.name for step in job.steps] == ["Stub"]
