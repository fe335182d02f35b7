"""Slots shared between projects: by turns, within limits, and with a reason for each wait."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.clock import SECOND
from roundel.domain.ids import JobId, RunnerId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.pipelines import Pipeline
from roundel.domain.plan import ExecutorKind, ExecutorPlan, Plan
from roundel.domain.projects import Project, Slug
from roundel.domain.runners import JobOrder
from roundel.domain.settings import OrganizationSettings, ProjectSettings
from roundel.domain.waiting import Load, Waiting
from roundel.services.work import Database, Tx
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.builders import a_job_plan, a_plan
from tests.fakes import ScriptedRunner, a_report
from tests.inline_compiler import InlineCompiler
from tests.scenarios.conftest import House
from tests.scenarios.test_turns import DEPLOY, LOCK_AND_HOLD
from tests.waiting import until

T = TypeVar("T")


class Counting:
    """A database that remembers who wrote to it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.writers: list[str] = []

    async def write(self, fn: Callable[[Tx], T]) -> T:
        self.writers.append(fn.__qualname__)
        return await self._database.write(fn)

    async def looked(self) -> bool:
        """Tell whether anybody has looked for jobs."""
        return self.claims > 0

    @property
    def claims(self) -> int:
        """How many transactions looked for jobs."""
        return sum(name.startswith("_drafts.") for name in self.writers)


def waiting_runners(house: House, count: int) -> list["asyncio.Task[JobOrder | None]"]:
    """Let runners ask for work that is still to come."""
    runners = [ScriptedRunner(house.engine.runners, RunnerId(f"r{n}")) for n in range(count)]
    return [asyncio.create_task(runner.claim(wait_seconds=30)) for runner in runners]


async def test_runners_that_wait_share_the_look_at_a_new_job(house: House) -> None:
    counting = Counting(house.engine.database)
    house.engine.database = counting  # type: ignore[assignment]
    asking = waiting_runners(house, 50)
    await until(counting.looked)
    await house.trigger(a_plan("only"))

    done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    assert [order.job_name for task in done if (order := task.result())] == ["only"]
    assert counting.claims < 10  # each for itself they would look 100 times
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def test_every_runner_that_waits_gets_a_job_of_its_own(house: House) -> None:
    asking = waiting_runners(house, 20)
    await house.trigger(a_plan(*(f"j{number}" for number in range(20))))
    orders = [order for order in await asyncio.gather(*asking) if order is not None]
    assert sorted(order.job_number for order in orders) == [*range(1, 21)]
    assert len({order.lease.runner_id for order in orders}) == 20


async def another(house: House, slug: str) -> Project:
    return await house.use.add_project(Slug.parse(slug), f"/srv/{slug}.git", None, house.admin)


async def trigger(house: House, project: Project, plan: Plan) -> Pipeline:
    house.project = project
    return await house.trigger(plan)


async def test_a_busy_project_does_not_keep_another_waiting(house: House) -> None:
    busy, quiet = house.project, await another(house, "gh/acme/quiet")
    wide = a_plan(*(f"j{number}" for number in range(20)))
    await trigger(house, busy, wide)
    served = [await house.runner.claim(), await house.runner.claim()]
    await trigger(house, quiet, a_plan("one"))
    order = await house.runner.claim()
    assert [it.project_slug for it in served if it] == ["gh/acme/web"] * 2
    assert order is not None and order.project_slug == "gh/acme/quiet"


async def test_projects_with_as_much_at_work_take_turns(house: House) -> None:
    projects = [house.project, await another(house, "gh/acme/b"), await another(house, "gh/acme/c")]
    for project in projects:
        await trigger(house, project, a_plan(*(f"j{number}" for number in range(6))))
    served = []
    for _ in range(9):
        order = await house.runner.run_one()
        assert order is not None
        served.append(order.project_slug)
    assert set(Counter(served).values()) == {3}
    assert all(len(set(served[start : start + 3])) == 3 for start in (0, 3, 6))


@pytest.mark.parametrize("at_once", [True, False])
async def test_claims_are_served_by_turns_and_within_limits_however_they_come(
    house: House, at_once: bool
) -> None:
    web, elsewhere = house.project, await another(house, "gh/globex/web")
    single, third = await another(house, "gh/acme/single"), await another(house, "gh/acme/third")
    one, seven = ProjectSettings(max_running_jobs=1), OrganizationSettings(max_running_jobs=7)
    await house.engine.database.write(lambda tx: tx.settings.save_project(single.id, one))
    acme = web.organization.id
    await house.engine.database.write(lambda tx: tx.settings.save_organization(acme, seven))
    for project, count in ((web, 3), (single, 3), (third, 5), (elsewhere, 2)):
        await trigger(house, project, a_plan(*(f"j{number}" for number in range(count))))

    runners = [ScriptedRunner(house.engine.runners, RunnerId(f"r{n}")) for n in range(12)]
    if at_once:
        orders = list(await asyncio.gather(*(runner.claim() for runner in runners)))
    else:
        orders = [await runner.claim() for runner in runners]
    in_line = sorted((web, single, third, elsewhere), key=lambda it: it.id)
    rounds = (
        in_line,
        [it for it in in_line if it is not single],  # one job at a time
        [it for it in in_line if it in (web, third)],  # nothing of `elsewhere` is left
    )
    expected = [it.slug for each in rounds for it in each]
    # Of `third`'s jobs two wait: seven of the organization are at work.
    assert [it.project_slug for it in orders if it] == [str(slug) for slug in expected]
    assert orders[9:] == [None] * 3


async def test_of_one_project_the_oldest_comes_first(house: House) -> None:
    await house.trigger(a_plan("a", "b"))
    await house.trigger(a_plan("c"))
    assert await house.runner.run_all() == ["a", "b", "c"]


async def test_the_load_is_what_runners_have_and_what_waits_for_them(house: House) -> None:
    assert await house.engine.reads.load() == Load(at_work=0, waiting=0, oldest=None)
    began = house.clock.now()
    await house.trigger(a_plan("a", "b<a", "c"))
    order = await house.runner.claim()
    load = await house.engine.reads.load()
    assert (load.at_work, load.waiting) == (1, 1)
    assert load.oldest is not None and began <= load.oldest < house.clock.now()
    assert order is not None
    await house.runner.carry_out(order)
    await house.runner.run_all()
    assert await house.engine.reads.load() == Load(at_work=0, waiting=0, oldest=None)


async def test_a_project_runs_no_more_than_its_limit(house: House) -> None:
    project, chosen = house.project.id, ProjectSettings(max_running_jobs=2)
    await house.engine.database.write(lambda tx: tx.settings.save_project(project, chosen))
    pipeline = await house.trigger(a_plan("a", "b", "c"))
    first = await house.runner.claim()
    assert first is not None and await house.runner.claim() is not None
    assert await house.runner.claim() is None
    waiting = await why(house, pipeline, "c")
    assert (waiting.cause, waiting.position) == ("limit", 1)
    assert waiting.sentence == "Its project has 2 jobs at work and may have 2 at once."
    await house.runner.carry_out(first)
    assert await house.runner.claim() is not None


async def test_an_organization_runs_no_more_than_its_limit(house: House) -> None:
    chosen, organization = OrganizationSettings(max_running_jobs=1), house.project.organization.id
    await house.engine.database.write(
        lambda tx: tx.settings.save_organization(organization, chosen)
    )
    elsewhere = await another(house, "gh/globex/web")
    second = await another(house, "gh/acme/second")
    await house.trigger(a_plan("a"))
    await trigger(house, second, a_plan("b"))
    assert await house.runner.claim() is not None
    assert await house.runner.claim() is None
    await trigger(house, elsewhere, a_plan("c"))
    order = await house.runner.claim()
    assert order is not None and order.job_name == "c"


async def why(house: House, pipeline: Pipeline, job: str) -> Waiting:
    workflow = await house.workflow(pipeline)
    found = await house.engine.reads.why((await house.jobs(workflow.id))[job].id)
    assert found is not None
    return found


async def test_a_blocked_job_names_what_it_requires(house: House) -> None:
    pipeline = await house.trigger(a_plan("build", "lint", "ok?<build", "deploy<ok,lint"))
    await house.runner.run_one()
    waiting = await why(house, pipeline, "deploy")
    assert waiting.cause == "requirement"
    assert waiting.sentence == "It requires jobs that have not ended: lint (queued), ok (on_hold)."
    assert [it.name for it in waiting.before] == ["lint", "ok"]
    assert (await why(house, pipeline, "ok")).cause == "approval"


async def test_a_job_in_a_serial_group_names_who_has_the_turn(house: House) -> None:
    first, _, third = [await house.trigger(DEPLOY) for _ in range(3)]
    waiting = await why(house, third, "deploy")
    assert (waiting.cause, waiting.position) == ("serial-group", 2)
    assert "'prod', which deploy (queued) of gh/acme/web has; it is number 2" in waiting.sentence
    assert waiting.before[0].id == (await house.jobs((await house.workflow(first)).id))["deploy"].id


async def test_a_lock_names_who_has_it(house: House) -> None:
    house.engine.compiler = InlineCompiler()
    house.repositories.config = LOCK_AND_HOLD
    _, second = await house.trigger(), await house.trigger()
    waiting = await why(house, second, "lock")
    assert (waiting.cause, waiting.position) == ("lock", 1)
    assert "the lock 'env'" in waiting.sentence


async def test_a_job_without_a_slot_knows_its_place_and_when_it_may_start(house: House) -> None:
    await house.trigger(a_plan("before"))
    order = await house.runner.claim()
    assert order is not None
    await house.runner.carry_out(order)
    pipeline = await house.trigger(a_plan("a", "b", "c"))
    waiting = await why(house, pipeline, "c")
    assert (waiting.cause, waiting.position) == ("slot", 3)
    assert "none is at work" in waiting.sentence
    assert await house.runner.claim() is not None
    now = house.clock.now()
    waiting = await why(house, pipeline, "c")
    assert (waiting.cause, waiting.position) == ("slot", 2)
    assert waiting.expected_start is not None and waiting.expected_start >= now


async def begun(house: House, plan: Plan) -> tuple[Pipeline, JobOrder]:
    """Trigger a pipeline and let a runner begin its first job."""
    pipeline = await house.trigger(plan)
    order = await house.runner.claim()
    assert order is not None
    await house.engine.runners.report(order.lease, [a_report()])
    return pipeline, order


async def test_the_expected_start_counts_how_long_jobs_have_been_running(house: House) -> None:
    _, order = await begun(house, a_plan("before"))
    async with house.unwatched():
        house.clock.forward(60 * SECOND)
        await house.runner.carry_out(order)  # so a minute is usual
    pipeline, running = await begun(house, a_plan("a", "b", "c"))

    async def seconds_until(job: str) -> int:
        now, waiting = house.clock.now(), await why(house, pipeline, job)
        assert waiting.expected_start is not None
        return round((waiting.expected_start - now) / SECOND)

    assert (await seconds_until("b"), await seconds_until("c")) == (60, 120)
    house.clock.forward(40 * SECOND)
    assert (await seconds_until("b"), await seconds_until("c")) == (20, 80)
    await house.engine.runners.renew(running.lease)
    house.clock.forward(40 * SECOND)  # it runs longer than is usual: at any moment now
    assert (await seconds_until("b"), await seconds_until("c")) == (0, 60)
    await begun(house, a_plan("d"))  # b, in a second slot
    assert await seconds_until("c") == 0


async def test_others_count_in_the_line_as_far_as_they_take_turns(house: House) -> None:
    crowd, own = await another(house, "gh/acme/crowd"), house.project
    await trigger(house, crowd, a_plan(*(f"j{number}" for number in range(20))))
    pipeline = await trigger(house, own, a_plan("a", "b"))
    assert (await why(house, pipeline, "a")).position == 2
    assert (await why(house, pipeline, "b")).position == 4


async def test_a_class_that_nobody_serves_is_named_with_those_that_there_are(house: House) -> None:
    pipeline = await house.trigger(a_plan("build", build=a_job_plan(resource_class="acme/gpu")))
    waiting = await why(house, pipeline, "build")
    assert waiting.cause == "runner"
    assert waiting.sentence == (
        "There is no resource class 'acme/gpu'; those that there are: none."
    )


async def test_jobs_of_machines_wait_in_a_line_of_their_own(house: House) -> None:
    house.runner.executors = ("docker",)
    await house.trigger(a_plan("a", "b"))
    vm = a_job_plan("vm", executor=ExecutorPlan(kind=ExecutorKind.MACHINE, images=()))
    waiting = await why(house, await house.trigger(a_plan("vm", vm=vm)), "vm")
    assert (waiting.cause, waiting.position) == ("slot", 1)
    assert "none is at work" in waiting.sentence
    assert await house.runner.claim() is not None
    waiting = await why(house, await house.trigger(a_plan("vm", vm=vm)), "vm")
    assert waiting.position == 2
    assert "none is at work" in waiting.sentence  # who runs containers is no help


async def test_what_runs_or_has_ended_waits_for_nothing(house: House) -> None:
    house.runner.endings["build"] = ExecutionStatus.FAILED
    pipeline = await house.trigger(a_plan("build"))
    order = await house.runner.claim()
    assert order is not None
    assert (await why(house, pipeline, "build")).cause == "nothing"
    await house.runner.carry_out(order)
    waiting = await why(house, pipeline, "build")
    assert (waiting.cause, waiting.sentence) == ("nothing", "It has ended: failed.")
    assert await house.engine.reads.why(JobId("nope")) is None


@pytest.fixture
def client(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


async def test_the_reason_is_told_by_number_and_by_id(house: House, client: Client) -> None:
    pipeline = await house.trigger(a_plan("build", "deploy<build"))
    jobs = await house.jobs((await house.workflow(pipeline)).id)
    answer = await client.get("/api/v2/project/gh/acme/web/job/1/why")
    assert answer.status == 200
    body = answer.json()
    assert (body["waits_for"], body["position"], body["jobs"]) == ("slot", 1, [])
    by_id = (await client.get(f"/api/v2/jobs/{jobs['deploy'].id}/why")).json()
    assert by_id["waits_for"] == "requirement"
    assert by_id["jobs"] == [
        {
            "id": jobs["build"].id,
            "name": "build",
            "status": "queued",
            "project_slug": "gh/acme/web",
            "job_number": 1,
        }
    ]
    assert (await client.get("/api/v2/project/gh/acme/web/job/9/why")).status == 404
    assert (await Client(client.api).get("/api/v2/project/gh/acme/web/job/1/why")).status == 401


async def test_a_long_queue_is_claimed_from_quickly_and_fairly(house: House) -> None:
    for number in range(5):
        project = await another(house, f"gh/acme/p{number}")
        await trigger(house, project, a_plan(*(f"j{number}" for number in range(200))))
    served = Counter()
    for _ in range(50):
        order = await house.runner.claim()
        assert order is not None
        served[order.project_slug] += 1
    assert set(served.values()) == {10}
