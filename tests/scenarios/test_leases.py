"""Leases and fences: who may write, and what becomes of what was lost."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from roundel.domain.clock import HOUR, SECOND, Micros
from roundel.domain.errors import Invalid, LeaseLost
from roundel.domain.ids import RunnerId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.runners import LEASE_SECONDS, Result, StepStatus
from roundel.services.claims import UNHEARD_CLAIMS
from tests.builders import a_job_plan, a_plan
from tests.fakes import ScriptedRunner, a_chunk, a_report
from tests.scenarios.conftest import House

LAPSE = (LEASE_SECONDS + 1) * SECOND
DONE = Result(status=ExecutionStatus.SUCCESS)


async def test_a_lease_that_is_renewed_lasts(house: House) -> None:
    await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None
    for _ in range(10):
        house.clock.forward(LEASE_SECONDS // 3 * SECOND)
        await house.engine.runners.renew(order.lease)
        await house.engine.ticks.tick()
    await house.engine.runners.finish(order.lease, DONE)


async def test_a_job_whose_runner_was_lost_before_a_step_began_runs_again(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    lost = await house.runner.claim()
    assert lost is not None
    await house.engine.runners.report(lost.lease, [a_report(kind="spin_up")])
    house.clock.forward(LAPSE)
    await house.engine.ticks.tick()
    assert (await house.statuses(pipeline))[1] == {"build": "queued"}

    again = await ScriptedRunner(house.engine.runners, id=RunnerId("runner-2")).run_one()
    assert again is not None
    assert (again.attempt, again.job_number) == (2, lost.job_number)
    assert await house.statuses(pipeline) == ("success", {"build": "success"})


async def test_a_job_that_no_environment_was_had_for_is_tried_once_more(house: House) -> None:
    """What its runner says is no other than what the server finds out itself."""
    broken = Result(status=ExecutionStatus.INFRASTRUCTURE_FAIL, message="The engine failed.")
    pipeline = await house.trigger(a_plan("build"))
    for attempt in (1, 2):
        order = await house.runner.claim()
        assert order is not None
        assert order.attempt == attempt
        spun = a_report(
            kind="spin_up", status=StepStatus.INFRASTRUCTURE_FAIL, ended_at=house.clock.now()
        )
        await house.engine.runners.report(order.lease, [spun])
        for _ in range(2):  # told again, as the first answer was lost
            await house.engine.runners.finish(order.lease, broken)
        await house.engine.ticks.tick()
        if attempt == 1:
            assert await house.statuses(pipeline) == ("running", {"build": "queued"})
    assert await house.statuses(pipeline) == ("failed", {"build": "infrastructure_fail"})
    view = await house.engine.reads.job(house.project.id, 1)
    assert view is not None
    assert view.job.message == "The engine failed."


@pytest.mark.parametrize(
    ("kind", "status"),
    [("run", ExecutionStatus.INFRASTRUCTURE_FAIL), ("spin_up", ExecutionStatus.FAILED)],
)
async def test_a_job_that_had_begun_or_failed_by_itself_is_not_tried_again(
    house: House, kind: str, status: ExecutionStatus
) -> None:
    pipeline = await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None
    await house.engine.runners.report(order.lease, [a_report(kind=kind)])
    await house.engine.runners.finish(order.lease, Result(status=status, message="No."))
    assert await house.statuses(pipeline) == ("failed", {"build": status})


async def test_the_late_result_of_a_lost_runner_is_refused(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    lost = await house.runner.claim()
    assert lost is not None
    house.clock.forward(LAPSE)
    await house.engine.ticks.tick()
    with pytest.raises(LeaseLost):
        await house.engine.runners.finish(lost.lease, DONE)
    with pytest.raises(LeaseLost):
        await house.engine.runners.report(lost.lease, [a_report()])
    with pytest.raises(LeaseLost):
        await house.engine.runners.chunk(lost.lease, [a_chunk(b"late")])
    assert await house.engine.runners.resume(lost.lease) is None
    assert (await house.statuses(pipeline))[1] == {"build": "queued"}


async def test_a_job_is_run_again_once_only(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    for _ in range(2):
        assert await house.runner.claim() is not None
        house.clock.forward(LAPSE)
        await house.engine.ticks.tick()
    assert await house.statuses(pipeline) == ("failed", {"build": "infrastructure_fail"})


async def test_a_job_that_had_begun_a_step_is_never_run_twice_unasked(house: House) -> None:
    pipeline = await house.trigger(a_plan("build", "deploy<build"))
    order = await house.runner.claim()
    assert order is not None
    await house.engine.runners.report(order.lease, [a_report(kind="run")])
    house.clock.forward(LAPSE)
    await house.engine.ticks.tick()
    assert await house.statuses(pipeline) == (
        "failed",
        {"build": "infrastructure_fail", "deploy": "not_run"},
    )
    view = await house.engine.reads.job(house.project.id, 1)
    assert view is not None
    assert "was lost" in (view.job.message or "")
    assert [step.status for step, _ in view.nodes[0].steps] == ["infrastructure_fail"]


async def test_the_same_runner_goes_on_with_its_fence_after_a_lapse_nobody_noticed(
    house: House,
) -> None:
    pipeline = await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None
    async with house.unwatched():
        house.clock.forward(LAPSE)
        await house.engine.runners.finish(order.lease, DONE)
    await house.engine.ticks.tick()
    assert (await house.workflow(pipeline)).status == "success"


async def test_another_runner_with_a_guessed_lease_is_refused(house: House) -> None:
    await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None
    for guess in (
        replace(order.lease, runner_id=RunnerId("other")),
        replace(order.lease, fence=order.lease.fence + 1),
    ):
        with pytest.raises(LeaseLost):
            await house.engine.runners.renew(guess)
        with pytest.raises(LeaseLost):
            await house.engine.runners.finish(guess, DONE)


async def test_every_call_may_be_repeated(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None
    server, lease = house.engine.runners, order.lease
    ended = a_report(status=StepStatus.SUCCESS, exit_code=0, ended_at=Micros(1_900))
    for _ in range(2):
        await server.report(lease, [a_report()])
        await server.chunk(lease, [a_chunk(b"one "), a_chunk(b"two", number=1)])
    for _ in range(2):
        await server.report(lease, [ended])
        await server.report(lease, [a_report()])  # it has ended; that stays so
    for _ in range(2):
        await server.finish(lease, DONE)
    assert (await house.workflow(pipeline)).status == "success"
    pieces = [piece async for piece in house.engine.logs.read(lease.execution_id, 0)]
    assert [(piece.offset, piece.data) for piece in pieces] == [(0, b"one "), (4, b"two")]


async def test_output_out_of_order_or_of_unknown_steps_is_refused(house: House) -> None:
    await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None
    with pytest.raises(Invalid, match="never reported"):
        await house.engine.runners.chunk(order.lease, [a_chunk(b"x")])
    await house.engine.runners.report(order.lease, [a_report()])
    with pytest.raises(Invalid, match="chunk 1 came before chunk 0"):
        await house.engine.runners.chunk(order.lease, [a_chunk(b"x", number=1)])


async def test_a_runner_that_comes_back_is_told_what_the_server_has(house: House) -> None:
    await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None
    await house.engine.runners.report(order.lease, [a_report()])
    await house.engine.runners.chunk(order.lease, [a_chunk(b"hello", source_end=7)])
    resumed = await house.engine.runners.resume(order.lease)
    assert resumed is not None
    assert resumed.order == order
    [progress] = resumed.steps
    assert (progress.next_chunk, progress.source_end) == (1, 7)


async def test_a_runner_that_never_ends_a_job_in_time_is_overruled(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None
    await house.engine.runners.report(order.lease, [a_report()])
    async with house.unwatched():
        house.clock.forward(5 * HOUR + 90 * SECOND)
        await house.engine.runners.renew(order.lease)
    await house.engine.ticks.tick()
    assert await house.statuses(pipeline) == ("failed", {"build": "timedout"})


async def test_jobs_of_a_class_go_only_to_runners_of_that_class(house: House) -> None:
    gpu = a_job_plan("train", resource_class="acme/gpu")
    large = a_job_plan("build", resource_class="large")
    await house.trigger(a_plan("train", "build", train=gpu, build=large))
    own = ScriptedRunner(house.engine.runners, id=RunnerId("gpu"), classes=("acme/gpu",))
    assert await house.runner.run_all() == ["build"]
    assert await own.run_all() == ["train"]


async def test_a_job_that_cannot_be_ordered_keeps_nobody_else_waiting(house: House) -> None:
    plan = a_plan("broken", "build")
    pipeline = await house.trigger(replace(plan, jobs={**plan.jobs, "broken": plan.jobs["build"]}))
    stored = await house.pipeline(pipeline.id)
    assert stored.plan is not None

    # A damaged database: the plan lacks what the job points at.
    damage = "UPDATE job SET plan_key = 'gone' WHERE name = 'broken'"
    await house.engine.database.write(lambda tx: tx.jobs._sql.run(damage))  # type: ignore[attr-defined]
    assert await house.runner.run_all() == ["build"]
    assert (await house.statuses(pipeline))[1] == {
        "broken": "infrastructure_fail",
        "build": "success",
    }


async def test_a_claim_that_is_broken_off_leaves_its_job_in_the_queue(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    for turns in range(12):  # cancelled at each of the points where it could be
        claiming = asyncio.create_task(house.runner.claim())
        for _ in range(turns):
            await asyncio.sleep(0)
        claiming.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            if (order := await claiming) is not None:
                await house.runner.carry_out(order)
                break
        assert (await house.statuses(pipeline))[1] == {"build": "queued"}
    else:
        assert await house.runner.run_one() is not None
    assert await house.statuses(pipeline) == ("success", {"build": "success"})


async def test_what_a_runner_does_not_hold_at_its_start_is_freed_at_once(house: House) -> None:
    pipeline = await house.trigger(a_plan("kept", "lost", "begun"))
    kept, lost, begun = [await house.runner.claim() for _ in range(3)]
    assert kept is not None and lost is not None and begun is not None
    await house.engine.runners.report(begun.lease, [a_report(kind="run")])
    await house.engine.runners.settle(house.runner.id, [kept.lease.execution_id])
    assert (await house.statuses(pipeline))[1] == {
        "kept": "not_running",
        "lost": "queued",
        "begun": "infrastructure_fail",
    }
    await house.engine.runners.settle(RunnerId("another"), [])
    await house.engine.runners.finish(kept.lease, DONE)
    again = await house.runner.run_one()
    assert again is not None
    assert again.lease.execution_id == lost.lease.execution_id
    assert (again.attempt, again.lease.fence) == (1, lost.lease.fence + 1)  # it was never begun


async def test_claims_whose_answers_are_lost_are_none_of_the_jobs_attempts(house: House) -> None:
    """R6: the network may cut a claim off before the runner has heard of the job."""
    pipeline = await house.trigger(a_plan("build"))
    for _ in range(3):
        lost = await house.runner.claim()
        assert lost is not None
        await house.engine.runners.settle(house.runner.id, ())
    order = await house.runner.claim()
    assert order is not None
    await house.runner.carry_out(order)
    assert (await house.workflow(pipeline)).status == "success"
    rows = await house.rows("SELECT attempt, status FROM execution")
    assert [tuple(row) for row in rows] == [(1, "success")]


async def test_a_job_whose_runner_never_hears_of_it_is_given_up_at_last(house: House) -> None:
    """It may be the job that ends the runner."""
    pipeline = await house.trigger(a_plan("build"))
    for _ in range(2 * UNHEARD_CLAIMS + 2):
        assert await house.runner.claim() is not None
        await house.engine.runners.settle(house.runner.id, ())
    assert await house.runner.claim() is None
    assert (await house.workflow(pipeline)).status == "failed"
