"""R15: rerun, approve, cancel and newer pushes by ten clients at once leave legal states only."""

import asyncio
import random
from collections.abc import Awaitable

import pytest

from roundel.domain.errors import DomainError
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.pipelines import Pipeline, Ref
from roundel.domain.reruns import Choice
from roundel.domain.settings import ProjectSettings
from tests.builders import a_plan
from tests.scenarios.conftest import House

CLIENTS = 10
FEATURE = Ref(branch="feature")
LEGAL = {"success", "failed", "canceled"}


async def pressed(deed: Awaitable[object]) -> None:
    """Press a button; a refusal in plain words is an answer like any other."""
    try:
        await deed
    except DomainError as refusal:
        assert str(refusal)


@pytest.mark.parametrize("seed", range(2))
async def test_r15_buttons_pressed_at_once_by_ten_leave_a_legal_state(
    house: House, seed: int
) -> None:
    chance = random.Random(seed)
    house.repositories.branches |= {"feature"}
    chosen = ProjectSettings(autocancel_builds=True)
    await house.engine.database.write(lambda tx: tx.settings.save_project(house.project.id, chosen))
    plan = a_plan("build", "ok?<build", "test<ok", "deploy<test")
    house.runner.endings["build"] = ExecutionStatus.FAILED
    broken = await house.trigger(plan, ref=FEATURE)
    await house.runner.run_all()
    house.runner.endings.clear()
    waiting = await house.trigger(plan, ref=FEATURE)
    await house.runner.run_all()
    failed, held = await house.workflow(broken), await house.workflow(waiting)
    assert (failed.status, held.status) == ("failed", "on_hold")

    pushed: list[Pipeline] = []

    async def push() -> None:
        made = await house.use.trigger_pipeline(house.project, FEATURE, {}, house.admin)
        assert made is not None
        pushed.append(made)

    approval = (await house.jobs(held.id))["ok"].id
    again = Choice(from_failed=True)
    presses = [
        pressed(deed)
        for _ in range(CLIENTS)
        for deed in (
            house.use.rerun_workflow(failed.id, again, False, house.admin),
            house.use.approve_job(held.id, approval, house.admin),
            house.use.cancel_workflow(held.id, house.admin),
            push(),
        )
    ]
    chance.shuffle(presses)
    await asyncio.gather(*presses, house.runner.run_all(), house.runner.run_all())
    await house.engine.ticks.settled()
    await house.runner.run_all()

    assert await the_end(house) <= LEGAL
    jobs = await house.rows("SELECT DISTINCT status FROM job")
    assert {status for (status,) in jobs} <= {"success", "failed", "canceled", "not_run"}
    numbers = [(number,) for number in range(1, 3 + CLIENTS)]
    assert await house.rows("SELECT number FROM pipeline ORDER BY number") == numbers
    reruns = await house.engine.reads.workflows(broken.id)
    assert len(reruns) == 1 + CLIENTS
    doubled = "SELECT job_id FROM execution GROUP BY job_id HAVING count(*) > 1"
    assert await house.rows(doubled) == []


async def the_end(house: House) -> set[str]:
    """Approve whatever waits for it until all has ended; return how the workflows ended."""
    while True:
        found = await house.rows("SELECT id, status FROM workflow")
        held = [id_ for id_, status in found if status == "on_hold"]
        if not held:
            return {status for _, status in found}
        for id_ in held:
            job = (await house.jobs(id_))["ok"]
            await house.use.approve_job(id_, job.id, house.admin)
        await house.runner.run_all()
