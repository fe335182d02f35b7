"""Output is kept for as long as its project says, and never goes while it is in use."""

import pytest

from roundel.domain.clock import DAY, HOUR
from roundel.domain.ids import ExecutionId
from roundel.domain.settings import OrganizationSettings, ProjectSettings
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
