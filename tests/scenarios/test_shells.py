"""Who may have a shell in a job that runs, and how its runner is called."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.access import Actor, Need, Role
from roundel.domain.errors import IllegalMove, NotAllowed, NotFound
from roundel.domain.jobs import Job
from roundel.domain.pipelines import Ref
from roundel.domain.runners import JobOrder
from roundel.domain.settings import ProjectSettings
from roundel.domain.shells import MOST_OF_A_JOB, WindowSize
from roundel.services.shells import OpenShell, called, may_open_shell, open_shell
from roundel.services.work import Tx
from roundel.vault.tokens import digest_of
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.fakes import a_report
from tests.scenarios.conftest import House
from tests.scenarios.test_contexts import a_context, a_group, plan_with

SIZE = WindowSize(columns=90, rows=30)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "data", shells=True)
    await house.open()
    yield house
    await house.engine.stop()


@pytest.fixture
def client(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


async def person(house: House, login: str, role: Role | None) -> Actor:
    """Return a member of the organization; without a role, somebody else."""
    token = await house.use.create_token(login, None, house.admin)
    actor = await house.engine.reads.actor(digest_of(token.text))
    assert actor is not None
    if role is not None:
        own = house.project.organization.id
        await house.engine.database.write(lambda tx: tx.people.give_role(own, actor.id, role))
    actor = await house.engine.reads.actor(digest_of(token.text))
    assert actor is not None
    return actor


async def running(house: House, *contexts: str, ref: Ref | None = None) -> tuple[Job, JobOrder]:
    """Return a job that runs."""
    plan = plan_with(*contexts) if contexts else a_plan("build")
    pipeline = await house.trigger(plan, ref=ref)
    order = await house.runner.claim()
    assert order is not None
    await house.engine.runners.report(order.lease, [a_report()])
    jobs = await house.jobs((await house.workflow(pipeline)).id)
    return next(it for it in jobs.values() if it.id == order.job_id), order


def wish(job: Job, by: Actor, node: int = 0) -> OpenShell:
    return OpenShell(job=job.id, node=node, by=by, size=SIZE)


async def why_not(house: House, job: Job, by: Actor) -> str:
    with pytest.raises(NotAllowed) as refused:
        await may_open_shell(wish(job, by), house.engine)
    return str(refused.value)


async def restrict(client: Client, context: str, kind: str, value: str) -> None:
    body = {"restriction_type": kind, "restriction_value": value}
    made = await client.post(f"/api/v2/context/{context}/restrictions", body)
    assert made.status == 201, made


async def test_a_person_and_the_runner_of_the_job_meet(house: House):
    job, order = await running(house)
    runners = house.engine.runners
    waiting = asyncio.create_task(runners.called(order.lease))

    async def attend() -> str:
        orders = await waiting
        assert (orders.shell_wanted, orders.cancel) == (True, False)
        async with runners.shell(order.lease) as line:
            assert line is not None
            assert line.size == SIZE
            while (typed := await line.heard()) is not None:
                if isinstance(typed, WindowSize):
                    await line.say(f"{typed.columns}".encode())
                elif typed == b"bye":
                    await line.end("so long")
                else:
                    await line.say(typed.upper())
        return "left"

    attending = asyncio.create_task(attend())
    async with asyncio.timeout(10), open_shell(wish(job, house.admin), house.engine) as meeting:
        await meeting.type(b"hello")
        assert await meeting.printed() == b"HELLO"
        await meeting.type(WindowSize(columns=70, rows=20))
        assert await meeting.printed() == b"70"
        await meeting.type(b"bye")
        assert await meeting.printed() is None
        assert meeting.why == "so long"
    assert await attending == "left"
    async with runners.shell(order.lease) as line:
        assert line is None


async def test_a_runner_is_not_called_twice_and_still_told_to_stop(house: House):
    job, order = await running(house)
    runners = house.engine.runners
    async with asyncio.timeout(10):
        waiting = asyncio.create_task(runners.called(order.lease))
        opening = open_shell(wish(job, house.admin), house.engine)
        entering = asyncio.create_task(opening.__aenter__())
        assert (await waiting).shell_wanted
        async with runners.shell(order.lease):
            meeting = await entering
            waiting = asyncio.create_task(runners.called(order.lease))
            await house.use.cancel_job(job.id, house.admin)
            assert (await waiting).cancel
        assert await meeting.printed() is None
        assert meeting.why == "The job's runner has hung up."
        await opening.__aexit__(None, None, None)


async def test_who_may_start_jobs_may_open_shells(house: House):
    job, order = await running(house)
    for role in (Role.CONTRIBUTOR, Role.ADMINISTRATOR):
        by = await person(house, role.value, role)
        assert await may_open_shell(wish(job, by), house.engine) == order.lease.execution_id
    viewer = await person(house, "vic", Role.VIEWER)
    stranger = await person(house, "eve", None)
    for by in (viewer, stranger):
        assert "Your role does not allow this" in await why_not(house, job, by)


async def test_a_token_that_may_only_read_opens_no_shell(house: House):
    job, _ = await running(house)
    reader = Actor(
        id=house.admin.id,
        login="admin",
        name="admin",
        server_administrator=True,
        scopes=frozenset({Need.SIGNED_IN, Need.READ}),
    )
    assert "Your role does not allow this" in await why_not(house, job, reader)


async def test_a_project_may_forbid_shells(house: House):
    job, _ = await running(house)

    def forbid(tx: Tx) -> None:
        tx.settings.save_project(house.project.id, ProjectSettings(disable_ssh=True))

    await house.engine.database.write(forbid)
    assert "disable_ssh" in await why_not(house, job, house.admin)


async def test_each_context_of_the_job_is_judged_for_who_opens_the_shell(
    house: House, client: Client
):
    open_to_all = await a_context(client, "common", A="1")
    guarded = await a_context(client, "prod", SECRET="canary-of-prod")
    group = await a_group(house, client)
    await restrict(client, guarded, "group", group)
    job, order = await running(house, "common", "prod")
    ada = await person(house, "ada", Role.CONTRIBUTOR)
    why = await why_not(house, job, ada)
    assert "it has the context prod" in why and "none of the context's groups" in why
    assert await may_open_shell(wish(job, house.admin), house.engine)  # administrators pass
    await house.engine.database.write(lambda tx: tx.groups.put_member(group, ada.id))
    assert await may_open_shell(wish(job, ada), house.engine) == order.lease.execution_id
    assert open_to_all


async def test_a_context_may_refuse_shells_by_an_expression(house: House, client: Client):
    guarded = await a_context(client, "prod", SECRET="canary-of-prod")
    await restrict(client, guarded, "expression", "not job.ssh.enabled")
    job, _ = await running(house, "prod")
    assert "not job.ssh.enabled" in await why_not(house, job, house.admin)


async def test_a_context_that_is_gone_cannot_be_judged(house: House, client: Client):
    context = await a_context(client, "prod", SECRET="canary-of-prod")
    job, _ = await running(house, "prod")
    assert (await client.send("DELETE", f"/api/v2/context/{context}")).status == 200
    assert "is not there any more" in await why_not(house, job, house.admin)


async def test_a_forks_job_is_guarded_as_far_as_it_was_given_something(
    house: House, client: Client
):
    guarded = await a_context(client, "prod", SECRET="canary-of-prod")
    group = await a_group(house, client)
    job_of_main, _ = await running(house, "prod")
    await restrict(client, guarded, "group", group)
    house.repositories.branches.add("pull/7/head")
    ada = await person(house, "ada", Role.CONTRIBUTOR)
    assert "none of the context's groups" in await why_not(house, job_of_main, ada)
    await house.engine.database.write(
        lambda tx: tx.contexts.unrestrict(guarded, tx.contexts.restrictions(guarded)[0].id)
    )
    job, order = await running(house, "prod", ref=Ref(branch="pull/7/head"))
    assert "SECRET" not in order.environment
    await restrict(client, guarded, "group", group)
    assert await may_open_shell(wish(job, ada), house.engine) == order.lease.execution_id

    def give(tx: Tx) -> None:
        tx.settings.save_project(
            house.project.id, ProjectSettings(forks_receive_secret_env_vars=True)
        )

    await house.engine.database.write(give)
    assert "none of the context's groups" in await why_not(house, job, ada)


async def test_a_job_that_does_not_run_has_no_shell(house: House):
    pipeline = await house.trigger(a_plan("build"))
    job = (await house.jobs((await house.workflow(pipeline)).id))["build"]
    for stage in ("queued", "ended"):
        with pytest.raises(IllegalMove, match="does not run now"):
            await may_open_shell(wish(job, house.admin), house.engine)
        if stage == "queued":
            await house.runner.run_one()
    job, _ = await running(house)
    with pytest.raises(IllegalMove, match="does not run now"):
        await may_open_shell(wish(job, house.admin, node=1), house.engine)


async def test_a_runner_that_does_not_come_is_told_of(house: House):
    job, _ = await running(house)
    assert house.engine.shell_desk is not None
    house.engine.shell_desk.dial_seconds = 0.05
    with pytest.raises(IllegalMove, match=r"runner has not called back within 15 s.*try again"):
        async with open_shell(wish(job, house.admin), house.engine):
            raise AssertionError("nobody is there")


async def test_one_job_has_a_few_shells_at_most(house: House):
    job, order = await running(house)
    assert house.engine.shell_desk is not None
    desk, execution = house.engine.shell_desk, order.lease.execution_id
    meetings = [desk.waits(execution, SIZE) for _ in range(MOST_OF_A_JOB)]
    for meeting in meetings:
        meeting.__enter__()
    with pytest.raises(IllegalMove, match="shells already"):
        async with open_shell(wish(job, house.admin), house.engine):
            raise AssertionError("that is one too many")
    for meeting in meetings:
        meeting.__exit__(None, None, None)
    assert not desk.awaited(execution)


async def test_a_server_of_several_calls_a_runner_that_waits_at_another(house: House):
    """The other server has no desk with this meeting: it has heard that somebody waits."""
    _, order = await running(house)
    waiting = asyncio.create_task(called(order.lease, house.engine))
    shells = f"shells:{order.lease.execution_id}"
    async with asyncio.timeout(10):
        while not waiting.done():
            await house.engine.database.write(lambda tx: tx.wake(shells))
            await asyncio.sleep(0.05)
    assert waiting.result().shell_wanted


async def test_without_the_setting_there_are_none(tmp_path: Path):
    house = House(tmp_path / "plain")
    await house.open()
    try:
        job, order = await running(house)
        with pytest.raises(NotFound, match="without --shells"):
            async with open_shell(wish(job, house.admin), house.engine):
                raise AssertionError("there is one")
        waiting = asyncio.create_task(house.engine.runners.called(order.lease))
        await house.use.cancel_job(job.id, house.admin)
        async with asyncio.timeout(10):
            assert (await waiting).cancel
    finally:
        await house.engine.stop()
