"""A pipeline from its trigger to the end of its workflow."""

from roundel.domain.jobs import ExecutionStatus
from tests.builders import a_plan
from tests.scenarios.conftest import House

DIAMOND = ("build", "lint", "test<build", "deploy<test,lint")


async def test_a_pipeline_runs_job_by_job_to_success(house: House) -> None:
    pipeline = await house.trigger(a_plan(*DIAMOND))

    assert pipeline.state == "pending"
    assert (await house.pipeline(pipeline.id)).state == "created"
    assert await house.runner.run_all() == ["build", "lint", "test", "deploy"]
    assert await house.statuses(pipeline) == (
        "success",
        dict.fromkeys(("build", "lint", "test", "deploy"), "success"),
    )


async def test_what_requires_a_failed_job_never_runs(house: House) -> None:
    pipeline = await house.trigger(a_plan(*DIAMOND))
    house.runner.endings["build"] = ExecutionStatus.FAILED

    await house.runner.run_one()
    assert (await house.workflow(pipeline)).status == "failing"
    assert await house.runner.run_all() == ["build", "lint"]
    assert await house.statuses(pipeline) == (
        "failed",
        {"build": "failed", "lint": "success", "test": "not_run", "deploy": "not_run"},
    )


async def test_jobs_take_their_numbers_when_they_are_queued(house: House) -> None:
    pipeline = await house.trigger(a_plan("build", "deploy<build"))
    workflow = await house.workflow(pipeline)

    before = await house.jobs(workflow.id)
    assert (before["build"].number, before["deploy"].number) == (1, None)
    await house.runner.run_one()
    assert (await house.jobs(workflow.id))["deploy"].number == 2


async def test_the_runner_is_told_everything_that_it_needs(house: House) -> None:
    await house.trigger(a_plan("build"))
    order = await house.runner.claim()

    assert order is not None
    assert [step.args for step in order.steps] == [{"command": "echo hi"}]
    assert order.environment["CIRCLE_JOB"] == "build"
    assert order.environment["CIRCLE_BRANCH"] == "main"
    assert order.environment["CIRCLE_BUILD_NUM"] == "1"
    assert order.checkout is not None
    assert order.checkout.repository_url == "/srv/web.git"


async def test_output_is_read_back_from_any_offset(house: House) -> None:
    await house.trigger(a_plan("build"))
    order = await house.runner.run_one()
    assert order is not None

    logs = house.engine.logs
    everything = [piece.data async for piece in logs.read(order.lease.execution_id, 0)]
    rest = [piece async for piece in logs.read(order.lease.execution_id, 0, offset=8)]
    assert b"".join(everything) == b"this is build\n"
    assert [(piece.offset, piece.data) for piece in rest] == [(8, b"build\n")]
