"""What makes a workflow redundant at its edges: continuations, schedules, and settings that change.

`test_skipping_and_blocking.py` has the rule itself.
"""

import pytest

from roundel.domain.clock import SECOND
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.pipelines import Pipeline, Ref
from roundel.domain.settings import ProjectSettings
from roundel.services.pipelines import TriggerPipeline, create_pipeline, trigger_pipeline
from tests.builders import a_plan
from tests.inline_compiler import InlineCompiler
from tests.scenarios.conftest import House
from tests.scenarios.test_continuing import NEXT, SETUP
from tests.scenarios.test_schedules import a_schedule, next_at, pipelines, until

FEATURE = Ref(branch="feature")
KEY = "CIRCLE_CONTINUATION_KEY"


@pytest.fixture
async def branchy(house: House) -> House:
    house.repositories.branches |= {"feature"}
    await choose(house, autocancel_builds=True)
    return house


async def choose(house: House, **chosen: bool) -> None:
    settings = ProjectSettings(**chosen)
    await house.engine.database.write(
        lambda tx: tx.settings.save_project(house.project.id, settings)
    )


async def statuses(house: House, pipeline: Pipeline) -> dict[str, str]:
    views = await house.engine.reads.workflows(pipeline.id)
    return {view.workflow.name: view.workflow.status.value for view in views}


async def accepted(house: House, ref: Ref) -> Pipeline:
    """Trigger a pipeline, and do not wait until it has been compiled."""
    pipeline = await house.use.trigger_pipeline(house.project, ref, {}, house.admin)
    assert pipeline is not None
    return pipeline


async def test_the_default_branch_is_not_overtaken_while_it_compiles(branchy: House) -> None:
    house = branchy
    both = [await accepted(house, Ref(branch="main")) for _ in range(2)]
    await house.engine.ticks.settled()
    assert [await statuses(house, it) for it in both] == [{"main": "running"}] * 2


async def test_once_the_setting_is_off_nothing_is_redundant(branchy: House) -> None:
    house = branchy
    before = await house.trigger(ref=FEATURE)
    await choose(house, autocancel_builds=False)
    await house.trigger(ref=FEATURE)
    assert await statuses(house, before) == {"main": "running"}


async def test_a_failing_workflow_is_redundant_as_well(branchy: House) -> None:
    house = branchy
    house.compiler.plan = a_plan("build", "ok?")
    before = await house.trigger(ref=FEATURE)
    house.runner.endings["build"] = ExecutionStatus.FAILED
    await house.runner.run_all()
    assert await statuses(house, before) == {"main": "failing"}
    await house.trigger(ref=FEATURE)
    assert await statuses(house, before) == {"main": "canceled"}


async def test_a_scheduled_pipeline_makes_nothing_redundant(branchy: House) -> None:
    house = branchy
    schedule = await a_schedule(house, branch="feature")
    before = await house.trigger(ref=FEATURE)
    await until(house, await next_at(house, schedule))
    assert len(await pipelines(house)) == 2
    assert await statuses(house, before) == {"main": "running"}

    due = await next_at(house, schedule)
    await until(house, due - 10 * SECOND)
    command = TriggerPipeline(project=house.project, by=house.admin, ref=FEATURE)
    slow = await trigger_pipeline(command, house.engine)
    await until(house, due)  # the scheduled one is there before the slow one is
    assert len(await pipelines(house)) == 4
    assert slow is not None
    await create_pipeline(slow, house.engine)
    assert await statuses(house, slow.pipeline) == {"main": "running"}


async def test_what_a_setup_hands_over_late_is_redundant_from_the_start(branchy: House) -> None:
    house = branchy
    await choose(house, autocancel_builds=True, several_continuations=True)
    house.engine.compiler = InlineCompiler()
    house.repositories.config = SETUP
    old = await house.trigger(ref=FEATURE)
    order = await house.runner.run_one()
    assert order is not None
    await house.trigger(ref=FEATURE)
    await house.use.continue_pipeline(order.environment[KEY], NEXT, {})
    assert await statuses(house, old) == {"setup": "success", "main": "canceled"}
    more = NEXT.replace("main:", "more:")
    await house.use.continue_pipeline(order.environment[KEY], more, {})
    assert (await statuses(house, old))["more"] == "canceled"
