"""Cancels, approvals, and what they leave."""

import asyncio

import pytest

from roundel.domain.clock import DAY
from roundel.domain.errors import IllegalMove, LeaseLost, NotFound
from roundel.domain.ids import JobId, WorkflowId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.runners import Orders, Result
from tests.builders import a_job_plan, a_plan
from tests.fakes import a_report
from tests.scenarios.conftest import House


async def test_a_canceled_workflow_waits_for_what_runs_to_stop(house: House) -> None:
    pipeline = await house.trigger(a_plan("build", "lint", "deploy<build"))
    order = await house.runner.claim()
    assert order is not None
    workflow = await house.workflow(pipeline)

    await house.use.cancel_workflow(workflow.id, house.admin)
    assert await house.statuses(pipeline) == (
        "running",
        {"build": "not_running", "lint": "canceled", "deploy": "not_run"},
    )
    assert await house.engine.runners.renew(order.lease) == Orders(cancel=True)

    await house.engine.runners.finish(order.lease, Result(status=ExecutionStatus.CANCELED))
    assert await house.statuses(pipeline) == (
        "canceled",
        {"build": "canceled", "lint": "canceled", "deploy": "not_run"},
    )
    assert await house.runner.claim() is None


async def test_a_runner_that_listens_hears_of_a_cancel_at_once(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None
    hears = asyncio.create_task(house.engine.runners.canceled(order.lease))
    await house.use.cancel_workflow((await house.workflow(pipeline)).id, house.admin)
    await asyncio.wait_for(hears, 1.0)


async def test_a_workflow_that_has_not_begun_is_canceled_at_once(house: House) -> None:
    pipeline = await house.trigger(a_plan("build", "deploy<build"))
    workflow = await house.workflow(pipeline)
    for _ in range(2):  # asking again changes nothing
        await house.use.cancel_workflow(workflow.id, house.admin)
    assert await house.statuses(pipeline) == (
        "canceled",
        {"build": "canceled", "deploy": "not_run"},
    )
    ended = await house.workflow(pipeline)
    assert ended.stopped_at is not None
    assert ended.canceled_by == house.admin.id


async def test_canceling_after_the_end_changes_nothing(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    await house.runner.run_all()
    await house.use.cancel_workflow((await house.workflow(pipeline)).id, house.admin)
    assert (await house.workflow(pipeline)).status == "success"


async def test_a_canceled_job_leaves_the_others_running(house: House) -> None:
    pipeline = await house.trigger(a_plan("build", "lint", "deploy<build"))
    jobs = await house.jobs((await house.workflow(pipeline)).id)
    await house.use.cancel_job(jobs["build"].id, house.admin)
    await house.runner.run_all()
    assert await house.statuses(pipeline) == (
        "canceled",
        {"build": "canceled", "lint": "success", "deploy": "not_run"},
    )


async def test_what_is_not_there_cannot_be_canceled(house: House) -> None:
    with pytest.raises(NotFound, match="Workflow not found"):
        await house.use.cancel_workflow(WorkflowId("nope"), house.admin)
    with pytest.raises(NotFound, match="Job not found"):
        await house.use.cancel_job(JobId("nope"), house.admin)


async def test_an_approval_holds_the_workflow_until_somebody_approves(house: House) -> None:
    pipeline = await house.trigger(a_plan("build", "ok?<build", "deploy<ok"))
    await house.runner.run_all()
    workflow = await house.workflow(pipeline)
    jobs = await house.jobs(workflow.id)
    assert (workflow.status, jobs["ok"].status, jobs["ok"].number) == ("on_hold", "on_hold", None)

    await asyncio.gather(
        *(house.use.approve_job(workflow.id, jobs["ok"].id, house.admin) for _ in range(10))
    )
    assert await house.runner.run_all() == ["build", "deploy"]
    assert (await house.workflow(pipeline)).status == "success"
    approved = (await house.jobs(workflow.id))["ok"]
    assert (approved.approved_by, approved.number) == (house.admin.id, 2)


async def test_only_approvals_that_wait_can_be_approved(house: House) -> None:
    pipeline = await house.trigger(a_plan("build", "ok?<build"))
    workflow = await house.workflow(pipeline)
    jobs = await house.jobs(workflow.id)
    with pytest.raises(IllegalMove, match="'ok' is not waiting"):
        await house.use.approve_job(workflow.id, jobs["ok"].id, house.admin)
    with pytest.raises(NotFound):
        await house.use.approve_job(workflow.id, jobs["build"].id, house.admin)
    with pytest.raises(NotFound):
        await house.use.approve_job(WorkflowId("other"), jobs["ok"].id, house.admin)


async def test_an_approval_that_nobody_gives_expires(house: House) -> None:
    pipeline = await house.trigger(a_plan("ok?", "deploy<ok"))
    house.clock.forward(91 * DAY)
    await house.engine.ticks.tick()
    assert await house.statuses(pipeline) == ("canceled", {"ok": "canceled", "deploy": "not_run"})


async def test_a_job_with_contexts_fails_as_there_are_none_yet(house: House) -> None:
    from dataclasses import replace

    plan = a_plan("build", "deploy<build")
    [flow] = plan.workflows
    slots = (flow.slots[0], replace(flow.slots[1], contexts=("aws", "npm")))
    pipeline = await house.trigger(replace(plan, workflows=(replace(flow, slots=slots),)))
    await house.runner.run_all()
    assert (await house.statuses(pipeline))[1] == {"build": "success", "deploy": "failed"}
    deploy = (await house.jobs((await house.workflow(pipeline)).id))["deploy"]
    assert deploy.message == "Context not found: aws, npm"


async def test_a_job_on_several_nodes_is_what_its_worst_node_is(house: House) -> None:
    pipeline = await house.trigger(a_plan("build", build=a_job_plan("build", parallelism=3)))
    orders = [await house.runner.claim() for _ in range(3)]
    assert [(order.node, order.nodes) for order in orders if order] == [(0, 3), (1, 3), (2, 3)]
    for order in orders:
        assert order is not None
        assert (await house.workflow(pipeline)).status == "running"
        await house.engine.runners.report(order.lease, [a_report()])
        ending = ExecutionStatus.FAILED if order.node == 1 else ExecutionStatus.SUCCESS
        await house.engine.runners.finish(order.lease, Result(status=ending))
    assert await house.statuses(pipeline) == ("failed", {"build": "failed"})


async def test_a_late_result_of_a_canceled_queue_entry_is_refused(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None
    await house.use.cancel_workflow((await house.workflow(pipeline)).id, house.admin)
    await house.engine.runners.finish(order.lease, Result(status=ExecutionStatus.CANCELED))
    with pytest.raises(LeaseLost):
        await house.engine.runners.finish(order.lease, Result(status=ExecutionStatus.SUCCESS))
    assert (await house.workflow(pipeline)).status == "canceled"
