"""PostgreSQL is restarted under load: jobs wait for it, and none is lost or done twice."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roundel.domain.ids import RunnerId
from roundel.domain.pipelines import Ref
from tests.builders import a_plan
from tests.fakes import ScriptedRunner
from tests.postgres import Cluster
from tests.scenarios.conftest import House
from tests.waiting import until

pytestmark = pytest.mark.postgresql

JOBS = 60
RUNNERS = 4


@pytest.fixture
async def house(tmp_path: Path, postgres: Cluster) -> AsyncIterator[House]:
    url = postgres.fresh()
    house = House(tmp_path / "data", url)
    await house.open()
    yield house
    await house.engine.stop()
    postgres.drop(url)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "crash"])
async def test_a_restart_in_the_middle_of_jobs_costs_nothing(
    house: House, postgres: Cluster, how: signal.Signals
) -> None:
    pipeline = await house.trigger(a_plan(*(f"job-{n}" for n in range(JOBS))))
    runners = [
        ScriptedRunner(house.engine.runners, id=RunnerId(f"runner-{n}")) for n in range(RUNNERS)
    ]
    working = [asyncio.create_task(runner.run_all()) for runner in runners]

    async def some_done() -> bool:
        return sum(len(runner.done) for runner in runners) >= JOBS // 3

    await until(some_done)
    await asyncio.to_thread(postgres.stop, how)
    reading = asyncio.create_task(house.statuses(pipeline))
    accepting = asyncio.create_task(
        house.use.trigger_pipeline(house.project, Ref(), {}, house.admin)
    )
    await asyncio.sleep(0)  # lets both set out
    await asyncio.to_thread(postgres.start)
    await asyncio.gather(*working)

    assert (await reading)[0] in ("running", "success")  # it may have waited that long
    assert (await accepting).number == 2
    status, jobs = await house.statuses(pipeline)
    assert (status, set(jobs.values())) == ("success", {"success"})
    doubled = "SELECT job_id FROM execution GROUP BY job_id HAVING count(*) > 1"
    assert await house.rows(doubled) == []
