"""What a server promises its runners, shown in the same process and over HTTP."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from roundel.api.runner.verbs import VERBS
from roundel.domain import storage
from roundel.domain.clock import Micros
from roundel.domain.deploys import Release
from roundel.domain.errors import Invalid, LeaseLost, NotAllowed, NotFound
from roundel.domain.ids import RunnerId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.pipelines import Ref
from roundel.domain.plan import ImagePlan
from roundel.domain.reruns import Choice
from roundel.domain.resource_use import Sample
from roundel.domain.runners import (
    CheckoutPassword,
    Lease,
    Result,
    Shipment,
    StepStatus,
)
from roundel.domain.storage import BlobId
from tests.builders import a_plan
from tests.contracts.servers import CLASS, Served, claimed, remote_plan, served
from tests.fakes import a_chunk, a_report
from tests.scenarios.conftest import House

SUCCESS = Result(status=ExecutionStatus.SUCCESS)


@pytest.fixture(params=["local", "http"])
async def there(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Served]:
    house = House(tmp_path / "data")
    await house.open()
    async with served(house, request.param) as there:
        yield there
    await house.engine.stop()


async def test_a_job_of_the_class_is_handed_out_once(there: Served) -> None:
    order = await claimed(there)
    assert (order.job_name, order.resource_class, order.attempt) == ("build", CLASS, 1)
    assert isinstance(order.executor.images[0], ImagePlan)
    assert order.lease.runner_id == there.runner().id
    assert await there.runner("two").claim() is None


async def test_whole_workflows_run(there: Served) -> None:
    pipeline = await there.house.trigger(remote_plan("build", "test<build", "deploy<test"))
    assert await there.runner().run_all() == ["build", "test", "deploy"]
    assert (await there.house.workflow(pipeline)).status == "success"


async def test_a_claim_waits_until_there_is_a_job(there: Served) -> None:
    waiting = asyncio.create_task(there.runner().claim(wait_seconds=10))
    await there.house.trigger(remote_plan("build"))
    order = await waiting
    assert order is not None


async def test_a_claim_comes_back_without_one(there: Served) -> None:
    assert await there.runner().claim(wait_seconds=0.01) is None


async def test_renewing_keeps_and_a_cancel_is_told_at_every_call(there: Served) -> None:
    order = await claimed(there)
    assert not (await there.server.renew(order.lease)).cancel
    watching = asyncio.create_task(there.server.canceled(order.lease))
    [pipeline] = await there.house.engine.reads.pipelines(
        projects=[there.house.project.id], limit=1
    )
    workflow = await there.house.workflow(pipeline.pipeline)
    await there.house.use.cancel_workflow(workflow.id, there.house.admin)
    async with asyncio.timeout(10):
        await watching
    assert (await there.server.renew(order.lease)).cancel
    assert (await there.server.report(order.lease, [a_report()])).cancel
    assert (await there.server.chunk(order.lease, [a_chunk(b"x")])).cancel


async def test_what_a_job_uses_is_told_with_what_is_told_anyway(there: Served) -> None:
    order = await claimed(there)
    execution = order.lease.execution_id
    first, second, third = (
        Sample(at=Micros(at), cpu_ms=at, memory=2**40 + at) for at in (10, 20, 30)
    )
    await there.server.renew(order.lease, [first])
    await there.server.renew(order.lease, [first, second])  # the answer was lost on the way
    pages = there.house.engine.pages
    assert await pages.resource_use(execution) == [first, second]
    await there.server.finish(order.lease, replace(SUCCESS, samples=(third,)))
    await there.server.finish(order.lease, replace(SUCCESS, samples=(third,)))
    assert await pages.resource_use(execution) == [first, second, third]


@pytest.mark.parametrize("late", ["fence", "runner", "execution", "ended"])
async def test_whoever_holds_no_lease_is_refused_everything(there: Served, late: str) -> None:
    held = (await claimed(there)).lease
    wrong = {
        "fence": Lease(execution_id=held.execution_id, runner_id=held.runner_id, fence=9),
        "runner": Lease(
            execution_id=held.execution_id, runner_id=there.runner("two").id, fence=held.fence
        ),
        "execution": Lease(
            execution_id="018e2d5f-0000-7000-8000-00000000ffff",  # type: ignore[arg-type]
            runner_id=held.runner_id,
            fence=held.fence,
        ),
        "ended": held,
    }[late]
    if late == "ended":
        await there.server.finish(held, SUCCESS)
    server = there.server
    calls = [
        server.renew(wrong),
        server.report(wrong, [a_report()]),
        server.chunk(wrong, [a_chunk(b"x")]),
        server.ship(wrong, Shipment(begun=(a_report(),))),
        server.upload(wrong, pieces(b"x")),
        server.find_cache(wrong, ["a"]),
        server.layers(wrong),
        server.keep_tests(wrong, "p", []),
        server.identity_token(wrong, {}, False),
        server.checkout_password(wrong),
        server.log_release(wrong, Release(component="a", environment="b", version="1")),
    ]
    if late != "ended":  # the same end again is no mistake
        calls.append(server.finish(wrong, SUCCESS))
    for call in calls:
        with pytest.raises(LeaseLost):
            await call
    assert await server.resume(wrong) is None
    await server.canceled(wrong)  # comes back by itself


async def test_output_said_twice_is_kept_once_and_a_gap_is_refused(there: Served) -> None:
    order = await claimed(there)
    big = bytes(range(256)) * 300
    await there.server.report(order.lease, [a_report()])
    for chunk in (a_chunk(b"one\n"), a_chunk(b"one\n"), a_chunk(big, number=1, source_end=100)):
        await there.server.chunk(order.lease, [chunk])
    with pytest.raises(Invalid, match="chunk 7 came before chunk 2"):
        await there.server.chunk(order.lease, [a_chunk(b"x", number=7)])
    logs = there.house.engine.logs.read(order.lease.execution_id, 0)
    kept = b"".join([piece.data async for piece in logs])
    assert hashlib.sha256(kept).hexdigest() == hashlib.sha256(b"one\n" + big).hexdigest()


async def test_a_shipment_is_kept_whole_or_not_at_all(there: Served) -> None:
    order = await claimed(there)
    began, over = a_report(), a_report(status=StepStatus.SUCCESS, exit_code=0, ended_at=Micros(9))
    later = replace(a_report(index=1), name="later")
    gap = Shipment(begun=(began,), chunks=(a_chunk(b"one "), a_chunk(b"three", number=2)))
    with pytest.raises(Invalid, match="chunk 2 came before chunk 1"):
        await there.server.ship(order.lease, gap)
    resumed = await there.server.resume(order.lease)
    assert resumed is not None
    assert not resumed.steps
    for _ in range(2):  # the answer may be lost, and all of it comes again
        await there.server.ship(
            order.lease,
            Shipment(begun=(began, later), chunks=(a_chunk(b"one "),), ended=(over,)),
        )
    resumed = await there.server.resume(order.lease)
    assert resumed is not None
    assert [(step.report, step.next_chunk) for step in resumed.steps] == [(over, 1), (later, 0)]


async def test_the_last_shipment_and_the_end_are_kept_together(there: Served) -> None:
    order = await claimed(there)
    over = a_report(status=StepStatus.SUCCESS, exit_code=0, ended_at=Micros(9))
    gap = Shipment(begun=(a_report(),), chunks=(a_chunk(b"late", number=1),), ended=(over,))
    with pytest.raises(Invalid, match="chunk 1 came before chunk 0"):
        await there.server.end(order.lease, gap, SUCCESS)
    resumed = await there.server.resume(order.lease)
    assert resumed is not None
    assert not resumed.steps
    last = Shipment(begun=(a_report(),), chunks=(a_chunk(b"one"),), ended=(over,))
    for _ in range(2):  # the answer may be lost, and all of it comes again
        await there.server.end(order.lease, last, SUCCESS)
    with pytest.raises(LeaseLost):
        await there.server.end(order.lease, last, Result(status=ExecutionStatus.FAILED))
    assert await there.server.resume(order.lease) is None
    logs = there.house.engine.logs.read(order.lease.execution_id, 0)
    assert b"".join([piece.data async for piece in logs]) == b"one"


async def test_a_server_of_before_there_were_shipments_gets_them_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(VERBS, "ship")
    monkeypatch.delitem(VERBS, "end")
    house = House(tmp_path / "data")
    await house.open()
    async with served(house, "http") as there:
        order = await claimed(there)
        over = a_report(status=StepStatus.SUCCESS, exit_code=0, ended_at=Micros(9))
        whole = Shipment(begun=(a_report(),), chunks=(a_chunk(b"one"),), ended=(over,))
        await there.server.ship(order.lease, whole)
        await there.server.ship(order.lease, Shipment(begun=(a_report(index=1),)))
        resumed = await there.server.resume(order.lease)
        more = Shipment(chunks=(replace(a_chunk(b"two"), step=1),))
        await there.server.end(order.lease, more, SUCCESS)
        assert await there.server.resume(order.lease) is None
        logs = house.engine.logs.read(order.lease.execution_id, 1)
        assert b"".join([piece.data async for piece in logs]) == b"two"
    await house.engine.stop()
    assert resumed is not None
    assert [step.report.status for step in resumed.steps] == ["success", "running"]
    assert resumed.steps[0].next_chunk == 1


async def test_a_runner_that_was_away_learns_what_the_server_has(there: Served) -> None:
    order = await claimed(there)
    await there.server.report(order.lease, [a_report()])
    await there.server.chunk(order.lease, [a_chunk(b"hello", source_end=17)])
    resumed = await there.server.resume(order.lease)
    assert resumed is not None
    assert resumed.order == order
    [step] = resumed.steps
    assert (step.next_chunk, step.source_end, step.report.status) == (1, 17, StepStatus.RUNNING)


async def test_what_a_runner_says_it_does_not_hold_goes_to_another(there: Served) -> None:
    order = await claimed(there)
    runner = there.runner()
    await there.server.settle(runner.id, {order.lease.execution_id})
    await there.server.renew(order.lease)
    await there.server.settle(there.runner("two").id, set())
    await there.server.renew(order.lease)
    await there.server.settle(runner.id, set())
    with pytest.raises(LeaseLost):
        await there.server.renew(order.lease)
    again = await there.runner("two").claim()
    assert again is not None
    assert again.job_id == order.job_id


async def test_secrets_arrive_and_still_hide_themselves(there: Served) -> None:
    order = await claimed(there)
    assert all(repr(mask) == "***" for mask in order.masks)


async def test_the_same_end_may_be_said_twice_and_another_may_not(there: Served) -> None:
    order = await claimed(there)
    await there.server.finish(order.lease, SUCCESS)
    await there.server.finish(order.lease, SUCCESS)
    with pytest.raises(LeaseLost):
        await there.server.finish(order.lease, Result(status=ExecutionStatus.FAILED))


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_blobs_go_up_and_come_down_from_any_byte_on(there: Served) -> None:
    order = await claimed(there)
    data = bytes(range(256)) * 4096
    blob = await there.server.upload(order.lease, pieces(data[:5], b"", data[5:]))
    assert (blob.size, blob.digest) == (len(data), hashlib.sha256(data).hexdigest())
    for offset in (0, 700_001, len(data)):
        got = [part async for part in there.server.download(order.lease, blob.id, offset)]
        assert b"".join(got) == data[offset:]
    empty = await there.server.upload(order.lease, pieces())
    assert [part async for part in there.server.download(order.lease, empty.id)] == []
    with pytest.raises(NotFound):
        [part async for part in there.server.download(order.lease, BlobId("nothing"))]


async def test_caches_layers_artifacts_and_tests_are_kept(there: Served) -> None:
    order = await claimed(there)
    server, lease = there.server, order.lease
    blob = await server.upload(lease, pieces(b"archive"))
    assert await server.find_cache(lease, ["deps-"]) is None
    assert await server.keep_cache(lease, "deps-1", blob)
    assert not await server.keep_cache(lease, "deps-1", blob)
    assert await server.has_cache(lease, "deps-1")
    found = await server.find_cache(lease, ["other", "deps-"])
    assert found is not None
    assert (found.key, found.blob) == ("deps-1", blob)
    await server.drop_cache(lease, found)
    assert not await server.has_cache(lease, "deps-1")
    await server.keep_layer(lease, blob, ["a", "b/c"])
    assert await server.layers(lease) == ()  # what it persisted itself is for those after it
    await server.keep_artifact(lease, "out/report.txt", blob)
    test = storage.TestResult(
        name="t", classname="c", file="f.py", result="success", run_time=1.5, line=7
    )
    await server.keep_tests(lease, "part-1", [test])
    assert [it.test for it in await there.house.engine.reads.tests(order.job_id)] == [test]
    assert await server.failed_tests(lease) is None
    assert await server.timings(lease, "file") == {}  # those of the last run, not of this one


async def test_what_a_job_persists_its_dependents_find(there: Served) -> None:
    await there.house.trigger(remote_plan("build", "test<build"))
    runner = there.runner()
    first = await runner.claim()
    assert first is not None
    blob = await there.server.upload(first.lease, pieces(b"layer"))
    await there.server.keep_layer(first.lease, blob, ["a"])
    await there.server.finish(first.lease, SUCCESS)
    second = await runner.claim()
    assert second is not None
    [layer] = await there.server.layers(second.lease)  # type: ignore[misc]
    assert (layer.job_name, layer.blob, layer.paths) == ("build", blob, ("a",))
    assert [part async for part in there.server.download(second.lease, blob.id)] == [b"layer"]


async def test_a_job_without_a_class_is_not_for_runners_of_one(there: Served) -> None:
    await there.house.trigger(a_plan("build"))
    assert await there.runner().claim() is None
    order = await there.house.runner.claim()
    assert order is not None
    assert order.lease.runner_id == RunnerId("runner-1")


async def test_a_job_may_ask_for_a_token_with_an_audience(there: Served) -> None:
    order = await claimed(there)
    token = await there.server.identity_token(order.lease, {"aud": ["a", "b"]}, False)
    assert token.count(".") == 2
    assert repr(token) == "***"
    with pytest.raises(Invalid, match="only `aud`"):
        await there.server.identity_token(order.lease, {"sub": "me"}, False)


async def test_a_job_may_ask_for_what_opens_its_repository(there: Served) -> None:
    order = await claimed(there)
    assert await there.server.checkout_password(order.lease) == CheckoutPassword()


async def test_a_fork_is_refused_a_token(there: Served) -> None:
    there.house.repositories.branches.add("pull/7/head")
    await there.house.trigger(remote_plan("build"), ref=Ref(branch="pull/7/head"))
    order = await there.runner().claim()
    assert order is not None
    with pytest.raises(NotAllowed, match="fork"):
        await there.server.identity_token(order.lease, {}, False)


async def test_a_rerun_of_failed_tests_knows_them(there: Served) -> None:
    order = await claimed(there)
    broken = storage.TestResult(name="t", classname="c", file=None, result="failure", run_time=1.5)
    await there.server.keep_tests(order.lease, "part-1", [broken])
    await there.server.finish(order.lease, Result(status=ExecutionStatus.FAILED))
    [workflow] = await there.house.rows("SELECT id FROM workflow")
    choice = Choice(failed_tests=True)
    await there.house.use.rerun_workflow(workflow[0], choice, False, there.house.admin)
    again = await there.runner().claim()
    assert again is not None
    found = await there.server.failed_tests(again.lease)
    assert found == (storage.FailedTest(name="t", classname="c", file=None),)
