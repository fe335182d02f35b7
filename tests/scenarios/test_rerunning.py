"""Reruns on a real database: new rows, kept jobs, and reruns that nobody asked for."""

import asyncio
from dataclasses import replace

import pytest

from roundel.domain.clock import DAY
from roundel.domain.errors import Invalid, NotAllowed, NotFound
from roundel.domain.ids import JobId, PipelineId, WorkflowId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import ExecutorKind, ExecutorPlan, Plan
from roundel.domain.reruns import Choice
from roundel.domain.settings import OrganizationSettings, ProjectSettings
from tests.builders import a_job_plan, a_plan
from tests.scenarios.conftest import House

FROM_FAILED = Choice(from_failed=True)


async def rerun(house: House, workflow: WorkflowId, choice: Choice | None = None) -> WorkflowId:
    return await house.use.rerun_workflow(workflow, choice or Choice(), False, house.admin)


async def a_failed_run(house: House) -> WorkflowId:
    """Run build and test, of which test fails, so that deploy does not run."""
    house.runner.endings["test"] = ExecutionStatus.FAILED
    pipeline = await house.trigger(a_plan("build", "ok?<build", "test<ok", "deploy<test"))
    await house.runner.run_all()
    workflow = await house.workflow(pipeline)
    approval = (await house.jobs(workflow.id))["ok"]
    await house.use.approve_job(workflow.id, approval.id, house.admin)
    await house.runner.run_all()
    assert (await house.workflow(pipeline)).status == "failed"
    house.runner.done.clear()
    return workflow.id


async def status_of(house: House, workflow: WorkflowId) -> str:
    view = await house.engine.reads.workflow(workflow)
    assert view is not None
    return view.workflow.status.value


async def test_from_failed_keeps_what_succeeded_with_its_jobs(house: House) -> None:
    first = await a_failed_run(house)
    house.runner.endings.clear()
    again = await rerun(house, first, FROM_FAILED)
    assert await house.runner.run_all() == ["test", "deploy"]

    before, after = await house.jobs(first), await house.jobs(again)
    assert [after[name].id == before[name].id for name in ("build", "ok", "test", "deploy")] == [
        True,
        True,
        False,
        False,
    ]
    assert await status_of(house, again) == "success"
    assert await status_of(house, first) == "failed"
    view = await house.engine.reads.workflow(again)
    assert view is not None
    workflow = view.workflow
    assert (workflow.rerun_of, workflow.workspace_id) == (first, first)
    assert workflow.started_by == house.admin.id


async def test_from_the_start_is_a_new_run_of_the_stored_plan(house: House) -> None:
    first = await a_failed_run(house)
    house.compiler.errors = ("nobody compiles again",)
    again = await rerun(house, first)
    assert await house.runner.run_all() == ["build"]
    assert await status_of(house, again) == "on_hold"
    before, after = await house.jobs(first), await house.jobs(again)
    assert not {job.id for job in before.values()} & {job.id for job in after.values()}
    assert (await house.runner.claim()) is None


async def test_reruns_of_reruns_keep_the_original_workspace(house: House) -> None:
    first = await a_failed_run(house)
    second = await rerun(house, first, FROM_FAILED)
    await house.runner.run_all()
    third = await rerun(house, second, FROM_FAILED)
    view = await house.engine.reads.workflow(third)
    assert view is not None
    assert (view.workflow.rerun_of, view.workflow.workspace_id) == (second, first)


async def test_chosen_jobs_run_again_with_what_follows(house: House) -> None:
    first = await a_failed_run(house)
    build = (await house.jobs(first))["build"]
    await rerun(house, first, Choice(jobs=(build.id,)))
    assert await house.runner.run_all() == ["build"]


async def test_what_is_left_out_of_a_sparse_rerun_is_not_listed(house: House) -> None:
    pipeline = await house.trigger(a_plan("a", "b<a", "c"))
    await house.runner.run_all()
    workflow = await house.workflow(pipeline)
    jobs = await house.jobs(workflow.id)
    again = await rerun(house, workflow.id, Choice(jobs=(jobs["b"].id,), sparse_tree=True))
    assert set(await house.jobs(again)) == {"a", "b"}


async def test_a_job_that_runs_again_is_as_large_as_it_was(house: House) -> None:
    vm = ExecutorPlan(kind=ExecutorKind.MACHINE, images=())
    body = a_job_plan("build", parallelism=3, resource_class="large", executor=vm)
    first = (await house.workflow(await house.trigger(a_plan("build", build=body)))).id
    await house.runner.run_all()
    again = await rerun(house, first)
    before, after = (await house.jobs(first))["build"], (await house.jobs(again))["build"]
    for job in (before, after):
        assert (job.parallelism, job.resource_class, job.executor) == (3, "large", "machine")
    assert await house.runner.run_all() == ["build"] * 6


async def test_a_rerun_that_does_not_end_is_cancelled_after_ninety_days(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    await house.runner.run_all()
    again = await rerun(house, (await house.workflow(pipeline)).id)
    house.clock.forward(90 * DAY)
    await house.engine.ticks.tick()
    assert await status_of(house, again) == "canceled"


async def test_only_workflows_that_have_ended_are_rerun(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    workflow = await house.workflow(pipeline)
    with pytest.raises(Invalid, match="must be in a terminal state"):
        await rerun(house, workflow.id)
    with pytest.raises(NotFound):
        await rerun(house, WorkflowId("nope"))


async def test_at_most_a_hundred_reruns_for_ninety_days(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    await house.runner.run_all()
    workflow = (await house.workflow(pipeline)).id
    for _ in range(100):
        await rerun(house, workflow)
    with pytest.raises(Invalid, match="100 times"):
        await rerun(house, workflow)

    pipeline = await house.trigger(a_plan("build"))
    await house.runner.run_all()
    house.clock.forward(91 * DAY)
    with pytest.raises(Invalid, match="90 days"):
        await rerun(house, (await house.workflow(pipeline)).id)


async def test_ssh_is_refused_in_plain_words(house: House) -> None:
    first = await a_failed_run(house)
    job = (await house.jobs(first))["test"].id
    for choice, words in (
        (Choice(jobs=(job,)), "SSH into jobs is not supported"),
        (FROM_FAILED, "give the jobs"),
        (Choice(), "give the jobs"),
    ):
        with pytest.raises(Invalid, match=words):
            await house.use.rerun_workflow(first, choice, True, house.admin)


async def test_blocked_projects_and_organizations_take_no_reruns(house: House) -> None:
    first = await a_failed_run(house)
    write = house.engine.database.write
    blocked = ProjectSettings(block_new_work=True)
    await write(lambda tx: tx.settings.save_project(house.project.id, blocked))
    with pytest.raises(NotAllowed, match="project's settings"):
        await rerun(house, first)
    await write(lambda tx: tx.settings.save_project(house.project.id, ProjectSettings()))
    organization = house.project.organization.id
    everywhere = OrganizationSettings(block_new_work=True)
    await write(lambda tx: tx.settings.save_organization(organization, everywhere))
    with pytest.raises(NotAllowed, match="organization's settings"):
        await rerun(house, first)


def with_auto_reruns(plan: Plan, times: int) -> Plan:
    [workflow] = plan.workflows
    return replace(plan, workflows=(replace(workflow, max_auto_reruns=times),))


async def workflows_of(house: House, pipeline: PipelineId) -> list[tuple[str, int, int]]:
    views = await house.engine.reads.workflows(pipeline)
    return [
        (it.workflow.status.value, it.workflow.auto_rerun_number, it.workflow.max_auto_reruns)
        for it in views
    ]


async def test_a_failed_workflow_is_rerun_as_often_as_the_config_says(house: House) -> None:
    house.runner.endings["test"] = ExecutionStatus.FAILED
    pipeline = await house.trigger(with_auto_reruns(a_plan("build", "test<build"), 2))
    assert await house.runner.run_all() == ["build", "test", "test", "test"]
    assert await workflows_of(house, pipeline.id) == [
        ("failed", 0, 2),
        ("failed", 1, 2),
        ("failed", 2, 2),
    ]


async def test_automatic_reruns_stop_at_the_first_success(house: House) -> None:
    house.runner.endings["test"] = ExecutionStatus.FAILED
    pipeline = await house.trigger(with_auto_reruns(a_plan("test"), 5))
    await house.runner.run_one()
    house.runner.endings.clear()
    await house.runner.run_all()
    assert await workflows_of(house, pipeline.id) == [("failed", 0, 5), ("success", 1, 5)]


async def test_a_rerun_by_hand_is_not_repeated_by_itself(house: House) -> None:
    house.runner.endings["test"] = ExecutionStatus.FAILED
    pipeline = await house.trigger(with_auto_reruns(a_plan("test"), 1))
    await house.runner.run_all()
    await rerun(house, (await house.workflow(pipeline)).id)
    await house.runner.run_all()
    assert len(await workflows_of(house, pipeline.id)) == 3


async def test_a_rerun_by_hand_takes_none_from_those_that_come_by_themselves(house: House) -> None:
    house.runner.endings["test"] = ExecutionStatus.FAILED
    pipeline = await house.trigger(with_auto_reruns(a_plan("test"), 2))
    await house.runner.run_one()  # whose rerun waits for a runner now
    await rerun(house, (await house.workflow(pipeline)).id)
    await house.runner.run_all()
    assert sorted(await workflows_of(house, pipeline.id)) == [
        ("failed", 0, 0),
        ("failed", 0, 2),
        ("failed", 1, 2),
        ("failed", 2, 2),
    ]


async def test_a_canceled_workflow_is_not_rerun_by_itself(house: House) -> None:
    pipeline = await house.trigger(with_auto_reruns(a_plan("test"), 1))
    workflow = await house.workflow(pipeline)
    await house.use.cancel_workflow(workflow.id, house.admin)
    assert await workflows_of(house, pipeline.id) == [("canceled", 0, 1)]


async def test_nothing_is_rerun_by_itself_where_new_work_is_blocked(house: House) -> None:
    house.runner.endings["test"] = ExecutionStatus.FAILED
    pipeline = await house.trigger(with_auto_reruns(a_plan("test"), 1))
    blocked = ProjectSettings(block_new_work=True)
    await house.engine.database.write(
        lambda tx: tx.settings.save_project(house.project.id, blocked)
    )
    assert await house.runner.run_all() == ["test"]
    assert await workflows_of(house, pipeline.id) == [("failed", 0, 1)]


async def test_reruns_cancels_and_approvals_at_once_leave_only_legal_states(house: House) -> None:
    first = await a_failed_run(house)
    house.runner.endings.clear()

    async def press(number: int) -> None:
        again = await rerun(house, first, FROM_FAILED if number % 2 else Choice())
        if number % 3 == 0:
            await house.use.cancel_workflow(again, house.admin)

    await asyncio.gather(*map(press, range(10)), house.runner.run_all(), house.runner.run_all())
    await house.runner.run_all()
    view = await house.engine.reads.workflow(first)
    assert view is not None
    views = await house.engine.reads.workflows(view.workflow.pipeline_id)
    statuses = [view.workflow.status.value for view in views]
    assert statuses[0] == "failed"
    assert set(statuses[1:]) <= {"success", "on_hold", "canceled"}
    assert len(statuses) == 11


async def test_an_unknown_job_is_refused(house: House) -> None:
    first = await a_failed_run(house)
    with pytest.raises(Invalid, match="not a job of this workflow"):
        await rerun(house, first, Choice(jobs=(JobId("nope"),)))
