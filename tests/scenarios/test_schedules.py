"""Schedules on a real database with a clock to turn: each tick once, whatever happens."""

import pytest

from roundel.domain.clock import DAY, HOUR, MINUTE, Micros
from roundel.domain.pipelines import Pipeline, Ref
from roundel.domain.schedules import WEEKDAYS, Attribution, Schedule, Timetable
from roundel.domain.settings import ProjectSettings
from tests.builders import a_plan
from tests.inline_compiler import InlineCompiler
from tests.scenarios.conftest import House

HOURLY = Timetable(per_hour=1, hours_of_day=tuple(range(24)), days_of_week=WEEKDAYS)


async def a_schedule(
    house: House, timetable: Timetable = HOURLY, branch: str = "main", system: bool = False
) -> Schedule:
    return await house.use.create_schedule(
        house.project,
        name="nightly",
        description=None,
        timetable=timetable,
        attribution=Attribution.SYSTEM if system else Attribution.CURRENT,
        parameters={"branch": branch, "deep": True},
        by=house.admin,
    )


async def until(house: House, at: int) -> None:
    """Turn the clock to `at` and let everything that is due happen."""
    house.clock.forward(at - house.clock.now())
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()


async def pipelines(house: House) -> list[Pipeline]:
    """Return all pipelines, the newest last."""
    views = await house.engine.reads.pipelines(projects=[house.project.id], limit=100)
    return [view.pipeline for view in reversed(views)]


async def next_at(house: House, schedule: Schedule) -> Micros:
    view = await house.engine.reads.schedule(schedule.id)
    assert view is not None and view.schedule.next_at is not None
    return view.schedule.next_at


async def test_a_schedule_triggers_its_pipeline_at_each_tick(house: House) -> None:
    schedule = await a_schedule(house)
    first = await next_at(house, schedule)
    await until(house, first - MINUTE)
    assert await pipelines(house) == []
    await until(house, first)
    await until(house, first + 1)
    [pipeline] = await pipelines(house)
    assert pipeline.state == "created"
    assert (pipeline.trigger.type, pipeline.trigger.actor_login) == ("scheduled_pipeline", "admin")
    assert (pipeline.ref, pipeline.parameters) == (Ref(branch="main"), {"deep": True})
    assert await next_at(house, schedule) == first + HOUR
    await until(house, first + HOUR)
    assert len(await pipelines(house)) == 2


async def test_the_config_learns_of_its_schedule(house: House) -> None:
    schedule = await a_schedule(house, system=True)
    await until(house, await next_at(house, schedule))
    [request] = house.compiler.asked
    assert request.values["pipeline.schedule.name"] == "nightly"
    assert request.values["pipeline.schedule.id"] == schedule.id
    assert request.values["pipeline.trigger_source"] == "scheduled_pipeline"
    [pipeline] = await pipelines(house)
    assert pipeline.trigger.actor_login == "system-actor"


async def test_ticks_missed_while_the_server_was_down_are_run_once(house: House) -> None:
    schedule = await a_schedule(house)
    first = await next_at(house, schedule)
    house.clock.forward(first + 5 * HOUR + MINUTE - house.clock.now())
    await house.restart()
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()
    assert len(await pipelines(house)) == 1
    assert await next_at(house, schedule) == first + 6 * HOUR


async def test_a_clock_that_is_turned_back_does_not_repeat_a_tick(house: House) -> None:
    schedule = await a_schedule(house)
    first = await next_at(house, schedule)
    await until(house, first)
    await until(house, first - HOUR)
    await until(house, first)
    assert len(await pipelines(house)) == 1
    assert await next_at(house, schedule) == first + HOUR


async def test_a_clock_that_jumps_ahead_and_back_runs_each_tick_once(house: House) -> None:
    schedule = await a_schedule(house)
    first = await next_at(house, schedule)
    await until(house, first + MINUTE)
    await until(house, first + HOUR + MINUTE)
    await until(house, first)
    await until(house, first + HOUR + MINUTE)
    assert len(await pipelines(house)) == 2


async def test_a_tick_that_cannot_run_is_over_all_the_same(house: House) -> None:
    schedule = await a_schedule(house, branch="gone")
    first = await next_at(house, schedule)
    await until(house, first)
    assert await pipelines(house) == []
    assert await next_at(house, schedule) == first + HOUR
    house.repositories.branches.add("gone")
    await until(house, first + HOUR)
    assert len(await pipelines(house)) == 1


async def test_neither_skipped_nor_blocked_schedules_pile_up(house: House) -> None:
    schedule = await a_schedule(house)
    first = await next_at(house, schedule)
    house.repositories.subject = "[skip ci]"
    await until(house, first)
    house.repositories.subject = "Go"
    project, blocked = house.project.id, ProjectSettings(block_new_work=True)
    await house.engine.database.write(lambda tx: tx.settings.save_project(project, blocked))
    await until(house, first + HOUR)
    assert await pipelines(house) == []
    assert await next_at(house, schedule) == first + 2 * HOUR


async def test_a_changed_schedule_follows_its_new_timetable(house: House) -> None:
    schedule = await a_schedule(house)
    noon = Timetable(per_hour=1, hours_of_day=(12,), days_of_week=WEEKDAYS)
    before = await next_at(house, schedule)
    changed = await house.use.change_schedule(schedule.id, {}, lambda _: noon, house.admin)
    assert changed.next_at is not None and changed.next_at % DAY // HOUR == 12
    if changed.next_at > before:
        await until(house, before)
        assert await pipelines(house) == []
    await until(house, changed.next_at)
    assert len(await pipelines(house)) == 1


async def test_a_removed_schedule_is_silent(house: House) -> None:
    schedule = await a_schedule(house)
    first = await next_at(house, schedule)
    await house.use.remove_schedule(schedule.id)
    await until(house, first)
    assert await pipelines(house) == []


CRON = """\
version: 2.1
jobs:
  build: {docker: [{image: cimg/base:current}], steps: [{run: echo hi}]}
workflows:
  push: {jobs: [build]}
  nightly:
    triggers:
      - schedule:
          cron: "30 2 * * *"
          filters: {branches: {only: [main, /release-.*/]}}
    jobs: [build]
"""
HALF_PAST_TWO = 2 * HOUR + 30 * MINUTE


@pytest.fixture
def nightly(house: House) -> House:
    house.engine.compiler = InlineCompiler()
    house.repositories.config = CRON
    house.repositories.branches |= {"release-1", "feature"}
    return house


def next_night(house: House) -> int:
    now = house.clock.now()
    tonight = now // DAY * DAY + HALF_PAST_TWO
    return tonight if tonight > now else tonight + DAY


async def names(house: House, pipeline: Pipeline) -> list[str]:
    views = await house.engine.reads.workflows(pipeline.id)
    return [view.workflow.name for view in views]


async def test_a_workflow_with_a_schedule_runs_by_the_clock_only(nightly: House) -> None:
    house = nightly
    pushed = await house.trigger()
    assert await names(house, pushed) == ["push"]
    night = next_night(house)
    await until(house, night)
    pipeline = (await pipelines(house))[-1]
    assert pipeline.number == 2
    assert pipeline.trigger.type == "scheduled_pipeline"
    assert await names(house, pipeline) == ["nightly"]
    await until(house, night + DAY)
    assert len(await pipelines(house)) == 3


async def test_each_branch_that_the_filter_accepts_has_its_schedule(nightly: House) -> None:
    house = nightly
    for branch in ("main", "release-1", "feature"):
        await house.trigger(ref=Ref(branch=branch))
    await until(house, next_night(house))
    scheduled = (await pipelines(house))[3:]
    assert {it.ref.branch for it in scheduled} == {"main", "release-1"}


async def test_the_newest_config_of_a_branch_decides(nightly: House) -> None:
    house = nightly
    await house.trigger()
    house.repositories.config = CRON.replace("30 2", "0 5")
    await house.trigger()
    night = next_night(house)
    await until(house, night)
    assert len(await pipelines(house)) == 2
    house.repositories.config = CRON.split("  nightly:")[0]
    await house.trigger()
    await until(house, night + DAY)
    assert len(await pipelines(house)) == 3


async def test_each_scheduled_workflow_keeps_its_own_time(nightly: House) -> None:
    house = nightly
    weekly = CRON.split("workflows:")[1].partition("  nightly:")[2].replace("30 2", "0 5")
    house.repositories.config = f"{CRON}  early:{weekly}"
    await house.trigger()
    night = next_night(house)
    await until(house, night)
    await until(house, night + 3 * HOUR)
    assert [await names(house, it) for it in (await pipelines(house))[1:]] == [
        ["nightly"],
        ["early"],
    ]


async def test_a_workflow_that_has_lost_its_schedule_unseen_does_not_run(nightly: House) -> None:
    house = nightly
    await house.trigger()
    house.repositories.config = CRON.split("    triggers:")[0] + "    jobs: [build]\n"
    await until(house, next_night(house))  # the tick is the first to read the new config
    assert [await names(house, it) for it in await pipelines(house)] == [["push"], []]


async def test_skip_markers_do_not_stop_a_schedule_of_a_config(nightly: House) -> None:
    house = nightly
    await house.trigger()
    house.repositories.subject = "Only words [ci skip]"
    await until(house, next_night(house))
    assert await names(house, (await pipelines(house))[-1]) == ["nightly"]


async def test_a_branch_that_is_gone_is_scheduled_no_more(nightly: House) -> None:
    house = nightly
    await house.trigger(ref=Ref(branch="release-1"))
    house.repositories.branches.remove("release-1")
    night = next_night(house)
    await until(house, night)
    assert len(await pipelines(house)) == 1


async def test_a_schedule_made_for_the_system_is_exempt_from_auto_cancel(nightly: House) -> None:
    house = nightly
    project, chosen = house.project.id, ProjectSettings(autocancel_builds=True)
    await house.engine.database.write(lambda tx: tx.settings.save_project(project, chosen))
    await house.trigger(ref=Ref(branch="release-1"))
    await until(house, next_night(house))
    scheduled = (await pipelines(house))[-1]
    await house.trigger(ref=Ref(branch="release-1"))
    assert (await house.workflow(scheduled)).status == "running"


async def test_a_plan_of_nothing_but_schedules_makes_no_workflow(house: House) -> None:
    pipeline = await house.trigger(a_plan())
    assert await names(house, pipeline) == []
