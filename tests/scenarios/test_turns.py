"""Serial groups and locks: one at a time over all workflows, in order, and never for ever."""

from dataclasses import replace

import pytest

from roundel.domain.clock import DAY, HOUR
from roundel.domain.ids import WorkflowId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.pipelines import Pipeline
from roundel.domain.plan import Plan, SlotPlan
from roundel.domain.projects import Slug
from roundel.domain.reruns import Choice
from tests.builders import a_plan
from tests.inline_compiler import InlineCompiler
from tests.scenarios.conftest import House


def in_group(plan: Plan, *names: str, group: str = "prod", job_group: str | None = None) -> Plan:
    """Put jobs of a plan into a serial group."""

    def changed(slot: SlotPlan) -> SlotPlan:
        if slot.name not in names:
            return slot
        return replace(slot, serial_group=group, job_group=job_group)

    [workflow] = plan.workflows
    slots = tuple(changed(slot) for slot in workflow.slots)
    return replace(plan, workflows=(replace(workflow, slots=slots),))


DEPLOY = in_group(a_plan("deploy"), "deploy")


async def jobs_of(house: House, *pipelines: Pipeline, job: str = "deploy") -> list[str]:
    """Return where a job of each pipeline stands."""
    found = []
    for pipeline in pipelines:
        workflow = await house.workflow(pipeline)
        found.append((await house.jobs(workflow.id))[job].status.value)
    return found


async def test_jobs_of_a_serial_group_run_one_after_another_in_order(house: House) -> None:
    pipelines = [await house.trigger(DEPLOY) for _ in range(3)]
    first = await house.runner.claim()
    assert first is not None
    assert await house.runner.claim() is None
    assert await jobs_of(house, *pipelines) == ["not_running", "queued", "queued"]
    for number in (1, 2, 3):
        order = first if number == 1 else await house.runner.claim()
        assert order is not None and order.job_number == number
        await house.runner.carry_out(order)
    assert await jobs_of(house, *pipelines) == ["success"] * 3


async def test_of_jobs_of_one_workflow_the_first_in_the_config_comes_first(house: House) -> None:
    names = ["north", "east", "south", "west", "centre", "abroad"]
    await house.trigger(in_group(a_plan(*names), *names))
    assert await house.runner.run_all() == names


async def test_of_jobs_of_one_workflow_that_were_ready_first_come_first(house: House) -> None:
    plan = a_plan("build", "late<build", "early", "other")
    await house.trigger(in_group(plan, "late", "early", "other"))
    orders = [order for _ in range(2) if (order := await house.runner.claim()) is not None]
    for order in orders:  # of `early` the end comes last, when `late` has asked
        await house.runner.carry_out(order)
    await house.runner.run_all()
    assert house.runner.done == ["build", "early", "other", "late"]


@pytest.mark.parametrize("ending", [ExecutionStatus.FAILED, ExecutionStatus.CANCELED])
async def test_the_turn_passes_on_however_a_job_ends(house: House, ending: ExecutionStatus) -> None:
    house.runner.endings["deploy"] = ending
    pipelines = [await house.trigger(DEPLOY) for _ in range(2)]
    await house.runner.run_all()
    assert await jobs_of(house, *pipelines) == [ending.value] * 2


async def test_an_older_pipeline_is_skipped_once_a_newer_one_had_its_turn(house: House) -> None:
    plan = in_group(a_plan("build", "deploy<build"), "deploy")
    old = await house.trigger(plan)
    slow = await house.runner.claim()
    assert slow is not None
    new = await house.trigger(plan)
    await house.runner.run_all()
    assert await jobs_of(house, new) == ["success"]
    await house.runner.carry_out(slow)
    assert await jobs_of(house, old) == ["canceled"]
    job = (await house.jobs((await house.workflow(old)).id))["deploy"]
    assert job.message == (
        "A newer pipeline has had its turn in the serial group 'prod': this one is skipped."
    )
    assert (await house.workflow(old)).status == "canceled"


async def test_the_older_of_two_that_wait_comes_first(house: House) -> None:
    plan = in_group(a_plan("build", "deploy<build"), "deploy")
    running = await house.trigger(DEPLOY)
    order = await house.runner.claim()
    assert order is not None
    older, newer = await house.trigger(plan), await house.trigger(plan)
    first = await house.runner.claim()
    assert first is not None
    await house.runner.run_one()  # the newer one is ready to deploy before the older one
    await house.runner.carry_out(first)
    assert await jobs_of(house, older, newer) == ["queued", "queued"]
    await house.runner.carry_out(order)
    await house.runner.run_all()
    assert await jobs_of(house, running, older, newer) == ["success"] * 3


async def test_an_older_one_is_skipped_too_if_the_newer_one_had_to_wait_for_its_turn(
    house: House,
) -> None:
    await house.trigger(DEPLOY)
    order = await house.runner.claim()
    assert order is not None
    old = await house.trigger(in_group(a_plan("build", "deploy<build"), "deploy"))
    slow = await house.runner.claim()
    assert slow is not None
    new = await house.trigger(DEPLOY)
    assert await jobs_of(house, new) == ["queued"]
    await house.runner.carry_out(order)
    await house.runner.carry_out(slow)
    assert await jobs_of(house, old) == ["canceled"]
    await house.runner.run_all()
    assert await jobs_of(house, new) == ["success"]


async def test_a_rerun_is_as_new_as_itself_so_that_one_can_go_back(house: House) -> None:
    old, _ = await house.trigger(DEPLOY), await house.trigger(DEPLOY)
    await house.runner.run_all()
    workflow = (await house.workflow(old)).id
    again = await house.use.rerun_workflow(workflow, Choice(), False, house.admin)
    await house.runner.run_all()
    assert (await house.jobs(again))["deploy"].status == "success"


async def test_a_group_is_one_over_all_projects_of_the_organization(house: House) -> None:
    first = await house.trigger(DEPLOY)
    slug = Slug.parse("gh/acme/other")
    house.project = await house.use.add_project(slug, "/srv/other.git", None, house.admin)
    second = await house.trigger(DEPLOY)
    assert await house.runner.claim() is not None
    assert await house.runner.claim() is None
    slug = Slug.parse("gh/globex/web")
    house.project = await house.use.add_project(slug, "/srv/globex.git", None, house.admin)
    elsewhere = await house.trigger(DEPLOY)
    assert await house.runner.claim() is not None
    assert await jobs_of(house, first, second, elsewhere) == [
        "not_running",
        "queued",
        "not_running",
    ]


async def test_other_groups_do_not_wait(house: House) -> None:
    await house.trigger(DEPLOY)
    await house.trigger(in_group(a_plan("deploy"), "deploy", group="staging"))
    assert await house.runner.claim() is not None
    assert await house.runner.claim() is not None


async def test_nobody_waits_longer_than_five_hours(house: House) -> None:
    running, waiting = await house.trigger(DEPLOY), await house.trigger(DEPLOY)
    began = house.clock.now()
    order = await house.runner.claim()
    assert order is not None
    for so_far, stands in ((4 * HOUR, "queued"), (5 * HOUR, "canceled")):
        async with house.unwatched():
            house.clock.forward(began + so_far - house.clock.now())
            await house.runner.server.renew(order.lease)
        await house.engine.ticks.tick()
        assert await jobs_of(house, waiting) == [stands]
    job = (await house.jobs((await house.workflow(waiting)).id))["deploy"]
    assert job.message == "It waited for its turn for 5 hours."
    assert (await house.workflow(running)).status == "running"


async def test_who_has_had_its_turn_may_wait_longer_for_a_runner(house: House) -> None:
    first, second = await house.trigger(DEPLOY), await house.trigger(DEPLOY)
    await house.use.cancel_workflow((await house.workflow(first)).id, house.admin)
    house.clock.forward(6 * HOUR)
    await house.engine.ticks.tick()
    assert await jobs_of(house, second) == ["queued"]
    await house.runner.run_all()
    assert await jobs_of(house, second) == ["success"]


async def test_cancelling_what_waits_lets_the_next_one_come(house: House) -> None:
    first, second, third = [await house.trigger(DEPLOY) for _ in range(3)]
    await house.use.cancel_workflow((await house.workflow(second)).id, house.admin)
    await house.use.cancel_workflow((await house.workflow(first)).id, house.admin)
    await house.runner.run_all()
    assert await jobs_of(house, first, second, third) == ["canceled", "canceled", "success"]


async def test_a_job_group_has_its_turn_as_a_whole(house: House) -> None:
    plan = in_group(a_plan("a", "b<a", "after<b"), "a", "b", group="prod", job_group="release")
    first, second = await house.trigger(plan), await house.trigger(plan)
    names = []
    while (order := await house.runner.run_one()) is not None:
        names.append(order.job_name)
    assert names in (["a", "b", "a", "after", "b", "after"], ["a", "b", "after", "a", "b", "after"])
    assert await jobs_of(house, first, second, job="after") == ["success"] * 2


async def test_a_job_group_whose_member_fails_gives_its_turn_back(house: House) -> None:
    house.runner.endings["a"] = ExecutionStatus.FAILED
    plan = in_group(a_plan("a", "b<a"), "a", "b", job_group="release")
    first, second = await house.trigger(plan), await house.trigger(plan)
    await house.runner.run_all()
    assert await jobs_of(house, first, second, job="b") == ["not_run"] * 2
    assert await jobs_of(house, second, job="a") == ["failed"]


LOCKED = """\
version: 2.1
jobs:
  lock: {type: lock, key: env}
  unlock: {type: unlock, key: env}
  work:
    docker: [{image: cimg/base:current}]
    steps: [{run: echo working}]
  more:
    docker: [{image: cimg/base:current}]
    steps: [{run: echo more}]
workflows:
  main:
    jobs:
      - lock
      - work: {requires: [lock]}
      - unlock: {requires: [{work: terminal}]}
      - more: {requires: [unlock]}
"""


OTHER_UNLOCK = "unlock: {type: unlock, key: other}"


@pytest.fixture
def locked(house: House) -> House:
    house.engine.compiler = InlineCompiler()
    house.repositories.config = LOCKED
    return house


async def test_a_lock_is_held_until_its_unlock(locked: House) -> None:
    house = locked
    first, second = await house.trigger(), await house.trigger()
    assert await jobs_of(house, first, second, job="lock") == ["success", "queued"]
    order = await house.runner.claim()
    assert order is not None
    assert await house.runner.claim() is None
    await house.runner.carry_out(order)
    assert await jobs_of(house, first, second, job="lock") == ["success", "success"]
    await house.runner.run_all()
    assert await jobs_of(house, first, second, job="more") == ["success", "success"]


async def test_an_unlock_gives_back_its_own_key_only(locked: House) -> None:
    house = locked
    house.repositories.config = LOCKED.replace("unlock: {type: unlock, key: env}", OTHER_UNLOCK)
    first, second = await house.trigger(), await house.trigger()
    assert await house.runner.run_one() is not None
    assert await jobs_of(house, first, job="unlock") == ["success"]
    assert await jobs_of(house, first, second, job="lock") == ["success", "queued"]


async def test_a_lock_ends_with_its_workflow_at_the_latest(locked: House) -> None:
    house = locked
    first, second = await house.trigger(), await house.trigger()
    await house.use.cancel_workflow((await house.workflow(first)).id, house.admin)
    assert await jobs_of(house, second, job="lock") == ["success"]


LOCK_AND_UNLOCK = """\
version: 2.1
jobs:
  lock: {type: lock, key: env}
  unlock: {type: unlock, key: env}
workflows:
  main:
    jobs: [lock, unlock: {requires: [lock]}]
"""
LOCK_AND_HOLD = LOCK_AND_UNLOCK.replace("unlock: {requires", "hold: {type: approval, requires")


async def test_a_long_line_of_locks_that_pass_at_once_is_no_trouble(locked: House) -> None:
    house = locked
    house.repositories.config = LOCK_AND_HOLD
    first = await house.trigger()
    house.repositories.config = LOCK_AND_UNLOCK
    others = [await house.trigger() for _ in range(300)]
    assert set(await jobs_of(house, *others, job="lock")) == {"queued"}
    await house.use.cancel_workflow((await house.workflow(first)).id, house.admin)
    assert set(await jobs_of(house, *others, job="unlock")) == {"success"}


GROUPED = """\
version: 2.1
jobs:
  step:
    docker: [{image: cimg/base:current}]
    steps: [{run: echo working}]
job-groups:
  release:
    jobs: [step: {name: one}, step: {name: two, requires: [one]}]
workflows:
  main:
    jobs: [release: {serial-group: prod}, step: {name: deploy, requires: [release]}]
"""


async def test_a_job_group_of_a_config_takes_one_turn(house: House) -> None:
    house.engine.compiler = InlineCompiler()
    house.repositories.config = GROUPED
    await house.trigger()
    second = await house.trigger()
    first = await house.runner.run_one()
    assert first is not None and first.job_name == "one"
    assert await jobs_of(house, second, job="one") == ["queued"]
    await house.runner.run_all()
    assert await jobs_of(house, second) == ["success"]


async def test_a_workflow_that_does_not_end_is_cancelled_after_ninety_days(house: House) -> None:
    pipeline = await house.trigger(a_plan("build"))
    house.clock.forward(90 * DAY)
    await house.engine.ticks.tick()
    workflow = await house.workflow(pipeline)
    assert workflow.status == "canceled"
    assert workflow.canceled_by == WorkflowId("00000000-0000-0000-0000-000000000000")


async def test_no_timer_outlives_its_workflow(house: House) -> None:
    for _ in range(3):
        await house.trigger(DEPLOY)
    await house.runner.run_all()
    house.clock.forward(100 * DAY)
    owner = house.engine.instance
    until = house.clock.now()
    due = await house.engine.database.write(
        lambda tx: tx.timers.take_due(now=until, until=until, owner=owner, limit=100)
    )
    assert [it.kind.value for it in due if "expiry" in it.kind.value] == []
