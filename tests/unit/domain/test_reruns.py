"""Which jobs of a workflow run again."""

from collections.abc import Callable

import pytest

from roundel.domain.clock import DAY, Micros
from roundel.domain.errors import Invalid
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import JobId, PipelineId, ProjectId, WorkflowId
from roundel.domain.jobs import JobStatus
from roundel.domain.reruns import Choice, check_rerun, fates
from roundel.domain.workflows import Workflow, WorkflowSlot
from tests.builders import parse_slot

DIAMOND = ("build", "lint", "test<build", "deploy<test,lint", "docs")


def slots(*texts: str, **statuses: str) -> list[WorkflowSlot]:
    """Return slots that succeeded unless said otherwise; `filtered` ones have no job."""
    made = []
    for position, text in enumerate(texts):
        name, type_, requires = parse_slot(text)
        status = statuses.get(name, "success")
        here = status != "filtered"
        made.append(
            WorkflowSlot(
                workflow_id=WorkflowId("w"),
                position=position,
                name=name,
                type=type_,
                requires=requires,
                excluded=None if here else "a filter",
                job_id=JobId(f"id-{name}") if here else None,
                status=JobStatus(status) if here else None,
            )
        )
    return made


def chosen(*names: str, sparse: bool = False) -> Choice:
    return Choice(jobs=tuple(JobId(f"id-{name}") for name in names), sparse_tree=sparse)


def run(found: dict[str, str]) -> set[str]:
    return {name for name, fate in found.items() if fate == "run"}


def test_from_the_start_everything_runs_again_but_what_was_filtered_out():
    found = fates(slots(*DIAMOND, docs="filtered", test="failed"), Choice())
    assert run(found) == {"build", "lint", "test", "deploy"}
    assert found["docs"] == "leave-out"


@pytest.mark.parametrize("status", ["failed", "canceled", "unauthorized", "timedout"])
def test_from_failed_what_succeeded_is_kept_and_what_follows_runs(status: str):
    found = fates(slots(*DIAMOND, test=status, deploy="not_run"), Choice(from_failed=True))
    assert run(found) == {"test", "deploy"}
    assert {found[name] for name in ("build", "lint", "docs")} == {"keep"}


def test_from_failed_also_runs_what_succeeded_because_of_the_failure():
    again = fates(slots("build", "mail<build:failed", build="failed"), Choice(from_failed=True))
    assert run(again) == {"build", "mail"}


def test_from_failed_without_a_failure_is_refused():
    with pytest.raises(Invalid, match="no failed jobs"):
        fates(slots(*DIAMOND), Choice(from_failed=True))


def test_chosen_jobs_run_with_what_follows_them_and_the_others_are_kept():
    found = fates(slots(*DIAMOND, docs="failed"), chosen("test"))
    assert run(found) == {"test", "deploy"}
    assert found["docs"] == "keep"


def test_what_a_chosen_job_needs_and_has_not_succeeded_runs_as_well():
    found = fates(
        slots(*DIAMOND, build="failed", test="not_run", deploy="not_run"), chosen("deploy")
    )
    assert run(found) == {"build", "test", "deploy"}
    assert found["lint"] == "keep"


def test_a_sparse_tree_leaves_out_what_is_not_connected():
    found = fates(slots(*DIAMOND, docs="failed"), chosen("test", sparse=True))
    assert found["docs"] == "leave-out"
    assert found["lint"] == "keep"


def test_a_job_of_another_workflow_is_refused():
    with pytest.raises(Invalid, match="'id-elsewhere' is not a job of this workflow"):
        fates(slots(*DIAMOND), chosen("elsewhere"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Choice(from_failed=True, jobs=(JobId("a"),)), "from_failed and jobs"),
        (lambda: Choice(sparse_tree=True), "give the jobs"),
        (lambda: Choice(sparse_tree=True, from_failed=True), "from_failed and sparse_tree"),
    ],
)
def test_choices_that_exclude_each_other_are_refused(make: Callable[[], Choice], words: str):
    with pytest.raises(Invalid, match=words):
        make()


def a_workflow(status: WorkflowStatus) -> Workflow:
    return Workflow(
        id=WorkflowId("w"),
        pipeline_id=PipelineId("p"),
        project_id=ProjectId("j"),
        name="main",
        status=status,
        started_by=None,
        workspace_id=WorkflowId("w"),
        created_at=Micros(0),
    )


@pytest.mark.parametrize("status", ["running", "failing", "on_hold"])
def test_what_has_not_ended_cannot_be_rerun(status: str):
    workflow = a_workflow(WorkflowStatus(status))
    with pytest.raises(Invalid, match=r"^Workflow must be in a terminal state to be rerun$"):
        check_rerun(workflow, workflow, 1, Micros(1))


def test_a_hundred_reruns_within_ninety_days_are_allowed_and_no_more():
    workflow = a_workflow(WorkflowStatus.FAILED)
    check_rerun(workflow, workflow, 100, Micros(90 * DAY))
    with pytest.raises(Invalid, match="100 times"):
        check_rerun(workflow, workflow, 101, Micros(1))
    with pytest.raises(Invalid, match="90 days"):
        check_rerun(workflow, workflow, 1, Micros(90 * DAY + 1))
