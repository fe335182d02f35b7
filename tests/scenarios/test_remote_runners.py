"""Runners elsewhere: what they may touch, and what becomes of jobs when the network is cut."""

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.backends.process import ProcessBackend
from roundel.domain.clock import SECOND, SystemClock
from roundel.domain.errors import Invalid, LeaseLost, NotAllowed, Unauthenticated
from roundel.domain.ids import RunnerId
from roundel.domain.pipelines import Pipeline
from roundel.domain.plan import ExecutorKind, ExecutorPlan, Plan, StepPlan
from roundel.domain.runners import Offer
from roundel.runner.main import CannotRun, Runner
from roundel.wire.messages import PREFIX
from roundel.wire.runner_client import RemoteServer, ServerAway
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.builders import a_job_plan, a_plan
from tests.contracts.servers import CLASS, class_with_token, doors
from tests.fakes import ScriptedRunner, a_report
from tests.proxy import Proxy
from tests.scenarios.conftest import House
from tests.waiting import until

TRUSTED = 3 * SECOND  # longer than a removed token may still work


def a_class_plan(*slots: str, resource_class: str = CLASS) -> Plan:
    names = a_plan(*slots).jobs
    jobs = {name: a_job_plan(name, resource_class=resource_class) for name in names}
    return a_plan(*slots, **jobs)


def an_offer(name: str = "one", *classes: str) -> Offer:
    return Offer(runner_id=RunnerId(name), resource_classes=classes, wait_seconds=0.0)


@pytest.fixture
async def url(house: House) -> AsyncIterator[str]:
    async with doors(house) as url:
        yield url


@pytest.fixture
def client(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


# -- who gets in --


@pytest.mark.parametrize("token", ["", "rdl_unknown", "x" * 5000])
async def test_without_a_runners_token_nothing_is_answered(url: str, token: str) -> None:
    async with RemoteServer(url, token) as remote:
        with pytest.raises(Unauthenticated, match="no token of a runner"):
            await remote.claim(an_offer())


async def test_a_persons_token_runs_no_jobs(house: House, url: str) -> None:
    token = (house.folder / "admin-token").read_text().strip()
    async with RemoteServer(url, token) as remote:
        with pytest.raises(Unauthenticated):
            await remote.claim(an_offer())


async def test_a_runners_token_opens_no_other_door(house: House, client: Client) -> None:
    _, token = await class_with_token(house, CLASS)
    as_runner = Client(client.api, token)
    for target in ("/api/v2/me", "/api/v3/runner/resource?namespace=acme", "/api/v1.1/me"):
        assert (await as_runner.get(target)).status == 401


async def test_a_removed_token_is_refused(house: House, client: Client, url: str) -> None:
    await class_with_token(house, CLASS)
    listed = (await client.get(f"/api/v3/runner/token?resource-class={CLASS}")).json()["items"]
    made = await client.post("/api/v3/runner/token", {"resource_class": CLASS, "nickname": "two"})
    async with RemoteServer(url, made.json()["token"]) as remote:
        assert await remote.claim(an_offer()) is None
        target = f"/api/v3/runner/token/{made.json()['id']}"
        assert (await client.send("DELETE", target)).status == 200
        house.clock.forward(TRUSTED)
        with pytest.raises(Unauthenticated):
            await remote.claim(an_offer())
    after = (await client.get(f"/api/v3/runner/token?resource-class={CLASS}")).json()["items"]
    assert after == listed
    assert "token" not in after[0]


async def test_a_token_speaks_for_its_own_class_only(house: House, url: str) -> None:
    _, token = await class_with_token(house, CLASS)
    async with RemoteServer(url, token) as remote:
        with pytest.raises(NotAllowed, match=r"for 'acme/linux'; it cannot take jobs of acme/mac"):
            await remote.claim(an_offer("one", "acme/mac"))


async def test_no_name_leads_into_another_class(house: House, url: str) -> None:
    await house.trigger(a_class_plan("build"))
    _, token = await class_with_token(house, CLASS)
    _, other = await class_with_token(house, "acme/mac")
    async with RemoteServer(url, token) as ours, RemoteServer(url, other) as theirs:
        order = await ours.claim(an_offer())
        assert order is not None
        assert await theirs.claim(an_offer()) is None
        # The very lease, from a runner of another class that calls itself the same.
        for call in (theirs.renew(order.lease), theirs.report(order.lease, [a_report()])):
            with pytest.raises(LeaseLost):
                await call
        assert await theirs.resume(order.lease) is None
        await ours.renew(order.lease)
        for name in ("a b", "", "x" * 65, "..", "é"):
            with pytest.raises(Invalid):
                await ours.claim(an_offer(name))


async def test_a_lease_that_was_lost_and_given_to_another_stays_lost(
    house: House, url: str
) -> None:
    """A late result after reassignment is refused, and the second runner's counts."""
    pipeline = await house.trigger(a_class_plan("build"))
    _, token = await class_with_token(house, CLASS)
    async with RemoteServer(url, token) as remote:
        first = ScriptedRunner(remote, id=RunnerId("first"), classes=(CLASS,))
        second = ScriptedRunner(remote, id=RunnerId("second"), classes=(CLASS,))
        late = await first.claim()
        assert late is not None
        house.clock.forward(61 * SECOND)
        await house.engine.ticks.tick()
        again = await second.claim()
        assert again is not None
        assert (again.attempt, again.job_id) == (2, late.job_id)
        with pytest.raises(LeaseLost):
            await first.carry_out(late)
        await second.carry_out(again)
    assert (await house.workflow(pipeline)).status == "success"


async def test_a_class_of_another_organization_is_out_of_reach(house: House, url: str) -> None:
    globex = await house.use.add_project(
        house.project.slug.parse("gh/globex/app"), "/srv/app.git", None, house.admin
    )
    assert globex.organization.name == "globex"
    pipeline = await house.trigger(a_class_plan("build", resource_class="globex/linux"))
    _, token = await class_with_token(house, "globex/linux")
    async with RemoteServer(url, token) as remote:
        assert await remote.claim(an_offer()) is None
    workflow, jobs = await house.statuses(pipeline)
    assert (workflow, jobs) == ("failed", {"build": "infrastructure_fail"})


async def test_nonsense_is_refused_and_breaks_nothing(house: House, client: Client) -> None:
    _, token = await class_with_token(house, CLASS)
    runner = Client(client.api, token)
    for verb in ("claim", "renew", "chunk", "upload", "download", "nothing", "", "../../v2/me"):
        for body in (b"", b"\xc1", b"\x81\xa1x\x01", b"[" * 1000, b"\x00" * 100):
            answer = await runner.send("POST", f"{PREFIX}/{verb}", body)
            assert answer.status in (400, 404), (verb, body, answer)
    assert (await runner.get(f"{PREFIX}/claim")).status == 400


# -- management --


async def test_classes_are_made_listed_and_removed(house: House, client: Client) -> None:
    body = {"resource_class": CLASS, "description": "big ones"}
    made = await client.post("/api/v3/runner/resource", body)
    assert made.status == 200
    assert made.json() == {"id": made.json()["id"], **body}
    assert (await client.post("/api/v3/runner/resource", body)).status == 409
    assert (await client.post("/api/v3/runner/resource", {"resource_class": "no"})).status == 400
    for query in ("namespace=acme", f"resource-class={CLASS}"):
        listed = await client.get(f"/api/v3/runner/resource?{query}")
        assert listed.json() == {"items": [made.json()]}
    assert (await client.get("/api/v3/runner/resource")).status == 400
    await client.post("/api/v3/runner/token", {"resource_class": CLASS, "nickname": "n"})
    target = f"/api/v3/runner/resource/{made.json()['id']}"
    assert (await client.send("DELETE", target)).status == 409
    assert (await client.send("DELETE", f"{target}/force")).status == 200
    assert (await client.get("/api/v3/runner/resource?namespace=acme")).json() == {"items": []}


async def test_runners_and_their_work_are_seen(house: House, client: Client, url: str) -> None:
    _, token = await class_with_token(house, CLASS)
    await house.trigger(a_class_plan("one", "two"))
    async with RemoteServer(url, token) as remote:
        assert await remote.claim(an_offer("box-1")) is not None
    [seen] = (await client.get(f"/api/v3/runner?resource-class={CLASS}")).json()["items"]
    assert (seen["name"], seen["resource_class"], seen["ip"]) == ("box-1", CLASS, "127.0.0.1")
    assert seen["first_connected"].endswith("Z")
    assert seen["last_used"].endswith("Z")
    waiting = await client.get(f"/api/v3/runner/tasks?resource-class={CLASS}")
    assert waiting.json() == {"unclaimed_task_count": 1}
    running = await client.get(f"/api/v3/runner/tasks/running?resource-class={CLASS}")
    assert running.json() == {"running_runner_tasks": 1}


async def test_only_administrators_of_the_namespace_manage_it(house: House, client: Client) -> None:
    await class_with_token(house, CLASS)
    made = await house.use.create_token("bob", None, house.admin)
    bob = Client(client.api, made.text)
    for body in ({"resource_class": "acme/other"}, {"resource_class": "free/one"}):
        assert (await bob.post("/api/v3/runner/resource", body)).status == 403
    answer = await bob.post("/api/v3/runner/token", {"resource_class": CLASS, "nickname": "x"})
    assert answer.status == 404
    assert (await bob.get("/api/v3/runner/resource?namespace=acme")).json() == {"items": []}


# -- networks that break --


def printing(lines: int) -> str:
    return f"i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo line $i of output; done"


def a_process_plan(*commands: str) -> Plan:
    job = a_job_plan(
        "build",
        resource_class=CLASS,
        executor=ExecutorPlan(kind=ExecutorKind.MACHINE, images=()),
        steps=tuple(StepPlan(kind="run", name=c, args={"command": c}) for c in commands),
    )
    return a_plan("build", build=job)


async def ended(house: House, pipeline: Pipeline) -> None:
    """Return once the pipeline's workflow has ended; only the database knows when."""

    async def over() -> bool:
        return (await house.workflow(pipeline)).stopped_at is not None

    await until(over)


async def whole_log(house: House, execution: str, step: int) -> bytes:
    pieces = house.engine.logs.read(execution, step)  # type: ignore[arg-type]
    return b"".join([piece.data async for piece in pieces])


async def test_the_log_is_whole_after_any_number_of_cuts(
    house: House, url: str, tmp_path: Path
) -> None:
    _, token = await class_with_token(house, CLASS)
    slowly = "for n in 1 2 3 4 5 6 7 8 9 10; do echo tick $n; sleep 0.1; done"
    pipeline = await house.trigger(a_process_plan(printing(20_000), slowly, "echo end"))
    (tmp_path / "runner").mkdir()
    async with Proxy(url) as proxy, RemoteServer(proxy.url, token) as remote:
        runner = Runner(remote, ProcessBackend(), folder=tmp_path / "runner", clock=SystemClock())
        running = asyncio.create_task(runner.run())

        async def cut_again_and_again() -> None:
            whole = 0.15
            while True:
                await asyncio.sleep(whole)
                whole *= 1.1  # at last long enough for a request on the slowest machine
                proxy.cut()
                await asyncio.sleep(0.02)
                proxy.mend()

        cutting = asyncio.create_task(cut_again_and_again())
        await ended(house, pipeline)
        cutting.cancel()
        proxy.mend()  # or the runner, which may not have heard of the end, leaves its job there
        await runner.stop(5)
        await running
    assert (await house.workflow(pipeline)).status == "success"
    assert proxy.cuts > 3
    [node] = (await house.engine.reads.job(house.project.id, 1)).nodes  # type: ignore[union-attr]
    said = [await whole_log(house, node.execution_id, report.index) for report, _ in node.steps]
    wanted = "".join(f"line {n} of output\n" for n in range(1, 20_001)).encode()
    assert hashlib.sha256(said[2]).hexdigest() == hashlib.sha256(wanted).hexdigest()
    assert said[3] == "".join(f"tick {n}\n" for n in range(1, 11)).encode()
    assert said[4] == b"end\n"


async def test_a_job_goes_on_while_the_server_is_away_and_past_its_lease(
    house: House, url: str, tmp_path: Path
) -> None:
    """Nobody else was there to take it, so the runner that comes back keeps it."""
    _, token = await class_with_token(house, CLASS)
    pipeline = await house.trigger(a_process_plan("echo before; sleep 1; echo after"))
    (tmp_path / "runner").mkdir()
    async with Proxy(url) as proxy, RemoteServer(proxy.url, token) as remote:
        runner = Runner(remote, ProcessBackend(), folder=tmp_path / "runner", clock=SystemClock())
        running = asyncio.create_task(runner.run())

        async def runs() -> bool:
            return (await house.statuses(pipeline))[1]["build"] == "running"

        await until(runs)
        proxy.cut()
        await house.restart()  # leases begin anew: nobody could renew them meanwhile
        house.clock.forward(50 * SECOND)
        await house.engine.ticks.tick()
        async with doors(house) as again:
            proxy.lead_to(again)
            proxy.mend()
            await ended(house, pipeline)
            await runner.stop(5)
            await running
    [node] = (await house.engine.reads.job(house.project.id, 1)).nodes  # type: ignore[union-attr]
    assert (await house.workflow(pipeline)).status == "success"
    assert await whole_log(house, node.execution_id, 2) == b"before\nafter\n"


async def test_a_job_claimed_for_a_runner_that_went_away_goes_to_the_next(
    house: House, url: str
) -> None:
    _, token = await class_with_token(house, CLASS)
    async with Proxy(url) as proxy, RemoteServer(proxy.url, token) as remote:
        gone = asyncio.create_task(
            remote.claim(Offer(runner_id=RunnerId("gone"), wait_seconds=20.0))
        )

        async def asked() -> bool:
            return proxy.passed > 0

        await until(asked)
        proxy.cut()
        with pytest.raises(ServerAway):
            await gone
        await house.trigger(a_class_plan("build"))
        proxy.mend()
        order = await remote.claim(Offer(runner_id=RunnerId("here"), wait_seconds=10.0))
    assert order is not None


async def test_a_runner_whose_token_is_refused_ends_and_says_why(url: str, tmp_path: Path) -> None:
    async with RemoteServer(url, "rdl_nobody") as remote:
        runner = Runner(remote, ProcessBackend(), folder=tmp_path, clock=SystemClock())
        with pytest.raises(CannotRun, match="no token of a runner"):
            await runner.run()


def test_a_runner_loads_nothing_of_the_server() -> None:
    program = """
import sys
import roundel.cli.main, roundel.cli.runner, roundel.runner.main, roundel.wire.runner_client
import roundel.backends.process, roundel.backends.docker
rooms = {name.split(".")[1] for name in sys.modules if name.startswith("roundel.")}
print(*sorted(rooms & {"api", "app", "compiler", "services", "store", "vcs", "web"}))
libraries = {"starlette", "uvicorn", "obstore", "psycopg", "yoyo", "prometheus_client", "yaml"}
print(*sorted(libraries & set(sys.modules)))
"""
    source = str(Path(__file__).parents[2] / "src")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []
