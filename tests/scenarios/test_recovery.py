"""A server that ends and is started again goes on with everything that it had accepted."""

from roundel.domain.jobs import ExecutionStatus
from roundel.domain.pipelines import Ref
from roundel.domain.runners import Result
from roundel.services.pipelines import TriggerPipeline, trigger_pipeline
from tests.builders import a_plan
from tests.fakes import a_chunk, a_report
from tests.scenarios.conftest import House


async def test_a_pipeline_accepted_just_before_the_end_is_created_after_it(house: House) -> None:
    command = TriggerPipeline(project=house.project, by=house.admin, ref=Ref())
    accepted = (await trigger_pipeline(command, house.engine)).pipeline  # and no further
    await house.restart()
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()
    assert (await house.pipeline(accepted.id)).state == "created"
    assert await house.runner.run_all() == ["build"]


async def test_a_job_under_way_is_gone_on_with_by_its_runner(house: House) -> None:
    pipeline = await house.trigger(a_plan("build", "deploy<build"))
    order = await house.runner.claim()
    assert order is not None
    await house.engine.runners.report(order.lease, [a_report()])
    await house.engine.runners.chunk(order.lease, [a_chunk(b"before ")])
    house.clock.forward(600_000_000)  # ten minutes down
    await house.restart()
    await house.engine.ticks.tick()

    resumed = await house.engine.runners.resume(order.lease)
    assert resumed is not None
    await house.engine.runners.chunk(order.lease, [a_chunk(b"and after", number=1)])
    await house.engine.runners.finish(order.lease, Result(status=ExecutionStatus.SUCCESS))
    assert await house.runner.run_all() == ["deploy"]
    assert (await house.workflow(pipeline)).status == "success"
    pieces = [p.data async for p in house.engine.logs.read(order.lease.execution_id, 0)]
    assert b"".join(pieces) == b"before and after"


async def test_the_administrator_is_made_once(house: House) -> None:
    token = (house.folder / "admin-token").read_text()
    await house.restart()
    assert (house.folder / "admin-token").read_text() == token


async def test_a_pipeline_that_fails_for_reasons_of_ours_is_tried_again_and_then_given_up(
    house: House,
) -> None:
    def broken() -> None:
        raise RuntimeError("out of luck")

    house.compiler.before = broken
    accepted = await house.trigger()
    assert (await house.pipeline(accepted.id)).state == "pending"
    for _ in range(10):
        house.clock.forward(3_600_000_000)
        await house.engine.ticks.tick()
        await house.engine.ticks.settled()
    pipeline = await house.pipeline(accepted.id)
    assert pipeline.state == "errored"
    assert "fault is Roundel's" in pipeline.errors[0].message


async def test_a_pipeline_that_failed_once_is_created_at_the_next_attempt(house: House) -> None:
    def broken() -> None:
        house.compiler.before = lambda: None
        raise RuntimeError("out of luck")

    house.compiler.before = broken
    accepted = await house.trigger()
    house.clock.forward(10_000_000)
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()
    assert (await house.pipeline(accepted.id)).state == "created"
