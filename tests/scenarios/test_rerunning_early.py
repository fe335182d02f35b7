"""What failed may run again while its workflow goes on, where the project says so."""

import pytest

from roundel.domain.errors import Invalid
from roundel.domain.ids import WorkflowId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.pipelines import Pipeline
from roundel.domain.plan import Plan
from roundel.domain.reruns import Choice
from roundel.domain.runners import JobOrder
from roundel.domain.settings import ProjectSettings
from tests.builders import a_plan
from tests.scenarios.conftest import House
from tests.scenarios.test_rerunning import with_auto_reruns

FROM_FAILED = Choice(from_failed=True)
PLAN = a_plan("slow", "flaky", "after<slow", "deploy<flaky,slow")


async def one_failed(
    house: House, *, allowed: bool = True, plan: Plan = PLAN
) -> tuple[Pipeline, JobOrder]:
    """Let `flaky` fail while `slow` runs; return the pipeline and the order of `slow`."""
    chosen = ProjectSettings(rerun_while_running=allowed)
    await house.engine.database.write(lambda tx: tx.settings.save_project(house.project.id, chosen))
    pipeline = await house.trigger(plan)
    slow = await house.runner.claim()
    assert slow is not None and slow.job_name == "slow"
    house.runner.endings["flaky"] = ExecutionStatus.FAILED
    await house.runner.run_one()
    house.runner.endings.clear()
    house.runner.done.clear()
    assert (await house.statuses(pipeline))[0] == "failing"
    return pipeline, slow


async def test_by_default_a_workflow_has_to_end_first(house: House) -> None:
    pipeline, _ = await one_failed(house, allowed=False)
    workflow = await house.workflow(pipeline)
    with pytest.raises(Invalid, match="Workflow must be in a terminal state to be rerun"):
        await house.use.rerun_workflow(workflow.id, FROM_FAILED, False, house.admin)


async def test_what_failed_runs_again_and_what_runs_counts_for_both(house: House) -> None:
    pipeline, slow = await one_failed(house)
    first = await house.workflow(pipeline)
    again = await house.use.rerun_workflow(first.id, FROM_FAILED, False, house.admin)
    assert await house.runner.run_all() == ["flaky"]
    assert (await house.jobs(again))["deploy"].status == "blocked"

    await house.runner.carry_out(slow)
    await house.runner.run_all()

    assert sorted(house.runner.done) == ["after", "deploy", "flaky", "slow"]
    before, after = await house.jobs(first.id), await house.jobs(again)
    assert before["slow"].id == after["slow"].id
    assert before["after"].id == after["after"].id
    assert before["deploy"].status == "not_run"
    assert (await house.workflow(pipeline)).status == "failed"
    view = await house.engine.reads.workflow(again)
    assert view is not None and view.workflow.status == "success"


async def test_what_somebody_reran_early_is_not_rerun_by_itself(house: House) -> None:
    pipeline, slow = await one_failed(house, plan=with_auto_reruns(PLAN, 1))
    first = await house.workflow(pipeline)
    await house.use.rerun_workflow(first.id, FROM_FAILED, False, house.admin)
    await house.runner.carry_out(slow)
    await house.runner.run_all()
    assert (await house.workflow(pipeline)).status == "failed"
    assert len(await house.engine.reads.workflows(pipeline.id)) == 2


async def test_nothing_but_what_failed_may_be_asked_for_early(house: House) -> None:
    pipeline, _ = await one_failed(house)
    workflow = await house.workflow(pipeline)
    with pytest.raises(Invalid, match="terminal state"):
        await house.use.rerun_workflow(workflow.id, Choice(), False, house.admin)


async def test_canceling_the_original_ends_both(house: House) -> None:
    pipeline, slow = await one_failed(house)
    first = await house.workflow(pipeline)
    again = await house.use.rerun_workflow(first.id, FROM_FAILED, False, house.admin)
    await house.runner.run_all()
    await house.use.cancel_workflow(first.id, house.admin)
    house.runner.endings["slow"] = ExecutionStatus.CANCELED
    await house.runner.carry_out(slow)

    jobs = await house.jobs(again)
    assert (jobs["slow"].status, jobs["after"].status) == ("canceled", "not_run")
    assert jobs["deploy"].status == "not_run"
    for workflow in (first.id, again):
        view = await house.engine.reads.workflow(workflow)
        assert view is not None and view.workflow.status == "canceled"


async def test_canceling_the_rerun_leaves_the_original_alone(house: House) -> None:
    pipeline, slow = await one_failed(house)
    first = await house.workflow(pipeline)
    again = await house.use.rerun_workflow(first.id, FROM_FAILED, False, house.admin)
    await house.use.cancel_workflow(again, house.admin)
    await house.runner.carry_out(slow)
    await house.runner.run_all()

    assert (await house.jobs(first.id))["after"].status == "success"
    assert (await house.workflow(pipeline)).status == "failed"
    view = await house.engine.reads.workflow(again)
    assert view is not None and view.workflow.status == "canceled"


async def early_with_approval(house: House) -> tuple[Pipeline, WorkflowId]:
    """Rerun what failed while an approval, which is kept, waits."""
    plan = a_plan("slow", "flaky", "ok?", "after<ok", "deploy<flaky,ok")
    pipeline, slow = await one_failed(house, plan=plan)
    await house.runner.carry_out(slow)
    first = await house.workflow(pipeline)
    again = await house.use.rerun_workflow(first.id, FROM_FAILED, False, house.admin)
    await house.runner.run_all()
    return pipeline, again


async def test_canceling_the_original_ends_an_approval_of_both(house: House) -> None:
    pipeline, again = await early_with_approval(house)
    await house.use.cancel_workflow((await house.workflow(pipeline)).id, house.admin)
    jobs = await house.jobs(again)
    assert (jobs["ok"].status, jobs["deploy"].status) == ("canceled", "not_run")
    view = await house.engine.reads.workflow(again)
    assert view is not None and view.workflow.status == "canceled"


async def test_canceling_the_rerun_leaves_an_approval_of_both_alone(house: House) -> None:
    pipeline, again = await early_with_approval(house)
    await house.use.cancel_workflow(again, house.admin)
    first = (await house.workflow(pipeline)).id
    approval = (await house.jobs(first))["ok"]
    assert approval.status == "on_hold"
    await house.use.approve_job(first, approval.id, house.admin)
    await house.runner.run_all()
    assert (await house.jobs(first))["after"].status == "success"
