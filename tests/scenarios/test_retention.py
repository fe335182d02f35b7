"""Output is kept for as long as its project says, and never goes while it is in use."""

from collections.abc import AsyncIterator

import pytest

from roundel.domain.clock import DAY, HOUR
from roundel.domain.errors import Invalid
from roundel.domain.ids import ExecutionId
from roundel.domain.reruns import Choice
from roundel.domain.settings import OrganizationSettings, ProjectSettings
from roundel.domain.storage import LayerConflict
from roundel.runner.storing import one_piece
from roundel.services.sweeping import sweep_storage
from tests.builders import a_plan
from tests.fakes import a_chunk, a_report
from tests.scenarios.conftest import House

LARGE = b"x" * 100_000  # an object of its own


async def output(house: House, execution: ExecutionId) -> bytes:
    return b"".join([piece.data async for piece in house.engine.logs.read(execution, 0)])


async def pass_by(house: House, days: int) -> None:
    """Let days go by, and whatever is due be done."""
    for _ in range(2):
        house.clock.forward(days * DAY // 2 + HOUR)
        await house.engine.ticks.tick()
        await house.engine.ticks.settled()


async def ran(house: House) -> ExecutionId:
    order = await house.runner.claim()
    assert order is not None
    await house.engine.runners.report(order.lease, [a_report()])
    await house.engine.runners.chunk(order.lease, [a_chunk(LARGE)])
    await house.runner.carry_out(order)
    return order.lease.execution_id


@pytest.mark.parametrize("whose", ["project", "organization"])
async def test_output_goes_after_the_days_that_were_chosen(house: House, whose: str) -> None:
    def choose(tx) -> None:
        if whose == "project":
            tx.settings.save_project(house.project.id, ProjectSettings(keep_logs_days=10))
        else:
            organization = house.project.organization.id
            tx.settings.save_organization(organization, OrganizationSettings(keep_logs_days=10))

    await house.engine.database.write(choose)
    pipeline = await house.trigger(a_plan("build"))
    execution = await ran(house)
    await pass_by(house, 8)
    assert await output(house, execution) == LARGE
    await pass_by(house, 4)
    assert await output(house, execution) == b""
    assert [path for path in (house.folder / "blobs").rglob("*") if path.is_file()] == []
    assert (await house.statuses(pipeline)) == ("success", {"build": "success"})
    view = await house.engine.reads.job(house.project.id, 1)
    assert view is not None
    assert len(view.nodes[0].steps) == 1


async def test_output_of_a_workflow_that_goes_on_is_kept(house: House) -> None:
    chosen = ProjectSettings(keep_logs_days=1)
    await house.engine.database.write(lambda tx: tx.settings.save_project(house.project.id, chosen))
    await house.trigger(a_plan("build", "ok?<build"))
    execution = await ran(house)
    await pass_by(house, 20)
    assert await output(house, execution) == LARGE


async def test_without_a_choice_output_is_kept_for_ever(house: House) -> None:
    await house.trigger(a_plan("build"))
    execution = await ran(house)
    await pass_by(house, 2000)
    assert await output(house, execution) == LARGE


async def keep_pipelines(house: House, days: int) -> None:
    chosen = ProjectSettings(keep_pipelines_days=days)
    await house.engine.database.write(lambda tx: tx.settings.save_project(house.project.id, chosen))


async def left_of(house: House, table: str) -> int:
    return int((await house.rows(f"SELECT COUNT(*) FROM {table}"))[0][0])  # noqa: S608 - our own names


async def test_pipelines_go_with_all_that_they_left(house: House) -> None:
    await keep_pipelines(house, 10)
    pipeline = await house.trigger(a_plan("build", "test<build"))
    await ran(house)
    await house.runner.run_all()
    await pass_by(house, 8)
    assert await house.engine.reads.pipeline(pipeline.id) is not None
    await pass_by(house, 4)
    assert await house.engine.reads.pipeline(pipeline.id) is None
    for table in ("workflow", "workflow_job", "job", "execution", "step", "chunk", "upload"):
        assert await left_of(house, table) == 0, table
    assert [path for path in (house.folder / "blobs").rglob("*") if path.is_file()] == []
    assert (await house.trigger()).number == pipeline.number + 1


async def test_a_pipeline_with_an_approval_that_waits_is_kept(house: House) -> None:
    await keep_pipelines(house, 1)
    pipeline = await house.trigger(a_plan("build", "ok?<build"))
    await house.runner.run_all()
    await pass_by(house, 20)
    assert await house.engine.reads.pipeline(pipeline.id) is not None


async def test_a_pipeline_whose_cache_is_in_use_is_kept(house: House) -> None:
    await keep_pipelines(house, 1)
    pipeline = await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None

    async def content() -> AsyncIterator[bytes]:
        yield LARGE

    blob = await house.engine.runners.upload(order.lease, content())
    await house.engine.runners.keep_cache(order.lease, "deps", blob)
    await house.runner.carry_out(order)
    await pass_by(house, 5)
    assert await house.engine.reads.pipeline(pipeline.id) is not None
    await pass_by(house, 20)
    await pass_by(house, 2)
    assert await house.engine.reads.pipeline(pipeline.id) is None


async def test_what_may_be_removed_at_any_moment_is_not_rerun(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    await house.runner.run_all()
    workflow = await house.workflow(pipeline)
    house.clock.forward(2 * DAY)
    await keep_pipelines(house, 1)
    with pytest.raises(Invalid, match="keep_pipelines_days"):
        await house.use.rerun_workflow(workflow.id, Choice(), False, house.admin)


async def test_a_workspace_is_kept_while_a_workflow_that_may_attach_it_goes_on(
    house: House,
) -> None:
    pipeline = await house.trigger(a_plan("build", "ok?<build", "deploy<ok"))
    order = await house.runner.claim()
    assert order is not None
    server = house.engine.runners
    await server.keep_layer(order.lease, await server.upload(order.lease, one_piece(b"l")), ["x"])
    await house.runner.carry_out(order)
    house.clock.forward(40 * DAY)
    await sweep_storage(house.engine)
    workflow = (await house.workflow(pipeline)).id
    approval = (await house.jobs(workflow))["ok"]
    await house.use.approve_job(workflow, approval.id, house.admin)
    deploy = await house.runner.claim()
    assert deploy is not None
    layers = await server.layers(deploy.lease)
    assert not isinstance(layers, LayerConflict)
    assert [layer.paths for layer in layers] == [("x",)]
    await house.runner.carry_out(deploy)
    await sweep_storage(house.engine)
    assert await house.rows("SELECT id FROM workspace_layer") == []
