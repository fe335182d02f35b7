"""What a change of a plan changes: jobs, and the chain that is waited for longest."""

from dataclasses import replace

from roundel.domain.plan_changes import compare_plans, critical_path
from tests.builders import a_plan

TOOK = {("main", "build"): 10.0, ("main", "lint"): 25.0, ("main", "deploy"): 5.0}


def test_the_critical_path_is_the_chain_that_takes_longest() -> None:
    plan = a_plan("build", "lint", "deploy<build,lint")
    flow = plan.workflows[0]
    path = critical_path(flow, {(flow.name, job): took for (_, job), took in TOOK.items()})
    assert path.jobs == ("lint", "deploy")
    assert path.seconds == 30.0
    assert path.unknown == ()


def test_jobs_that_never_ran_count_as_no_time_and_are_named() -> None:
    path = critical_path(a_plan("build", "deploy<build").workflows[0], {})
    assert path.jobs == ("build", "deploy")
    assert path.seconds == 0.0
    assert path.unknown == ("build", "deploy")


def test_a_job_takes_as_long_as_in_another_workflow_until_it_ran_in_its_own() -> None:
    path = critical_path(a_plan("build").workflows[0], {("elsewhere", "build"): 7.0})
    assert path.seconds == 7.0
    assert path.unknown == ()


def test_added_removed_and_altered_jobs_are_told_apart() -> None:
    before = a_plan("build", "lint", "deploy<build,lint")
    after = a_plan("build", "docs", "deploy<build")
    (change,) = compare_plans(before, after, {})
    assert change.added == ("docs",)
    assert change.removed == ("lint",)
    assert [(job.name, job.what) for job in change.altered] == [("deploy", ("requires",))]


def test_what_changes_inside_of_a_job_is_named() -> None:
    before = a_plan("build")
    job = replace(before.jobs["build"], parallelism=4, environment={"A": "b"})
    after = replace(before, jobs={"build": job})
    (change,) = compare_plans(before, after, {})
    assert change.altered[0].what == ("environment", "parallelism")


def test_equal_plans_change_nothing() -> None:
    plan = a_plan("build", "deploy<build")
    (change,) = compare_plans(plan, plan, {})
    assert not change.changes_jobs
    assert change.before == change.after


def test_workflows_of_one_side_only_are_told_with_their_jobs() -> None:
    plan = a_plan("build")
    nothing = replace(plan, workflows=(), jobs={})
    (comes,) = compare_plans(nothing, plan, {})
    (goes,) = compare_plans(plan, nothing, {})
    assert (comes.before, comes.added) == (None, ("build",))
    assert (goes.after, goes.removed) == (None, ("build",))
