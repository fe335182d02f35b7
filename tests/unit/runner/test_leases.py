"""Leases, absent servers, and runners that leave."""

import asyncio

import pytest

from roundel.backends.fake import FakeBackend
from roundel.backends.protocol import CannotOpen
from roundel.domain.clock import SystemClock
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.runners import LEASE_SECONDS, RENEW_SECONDS
from roundel.runner.main import CannotRun, Runner
from tests.fake_server import FakeServer, a_step, an_order
from tests.unit.runner.conftest import a_runner


async def test_a_lost_lease_ends_the_job_quietly(server, tmp_path):
    backend = FakeBackend()
    async with a_runner(server, tmp_path, backend=backend) as runner:
        told = server.submit(an_order(a_step("x", environment={"FAKE_SLEEP": "600"})))
        await until(told, lambda: 2 in told.reports)
        server.lost.add(told.order.lease.execution_id)
        told.cancel.set()  # the server's long poll ends; what follows is refused
        while runner.busy:
            await asyncio.wait(runner._tasks)
    assert told.result is None
    assert backend.worlds == {}
    assert list((tmp_path / "jobs").iterdir()) == []


async def test_an_absent_server_is_waited_for(server, tmp_path):
    async with a_runner(server, tmp_path, backend=FakeBackend()):
        told = server.submit(
            an_order(
                a_step("x", environment={"FAKE_SLEEP": "0.05", "FAKE_OUTPUT": "hello"}), "true"
            )
        )
        server.away |= {"ship", "end", "finish"}
        await server.until_called("ship", 3)
        server.away.clear()
        await told.ended.wait()
    assert told.result.status is ExecutionStatus.SUCCESS
    assert told.output(2) == "hello"


async def test_a_runner_that_stops_hands_its_job_to_the_next(server, tmp_path):
    backend = FakeBackend()
    step = a_step("x", environment={"FAKE_OUTPUT": "once", "FAKE_SLEEP": "0.3"})
    async with a_runner(server, tmp_path, backend=backend):
        told = server.submit(an_order(step, "true"))
        await told.until_log_has("once")
    assert told.result is None
    async with a_runner(server, tmp_path, backend=backend):
        await told.ended.wait()
    assert told.output(2) == "once"
    assert told.result.status is ExecutionStatus.SUCCESS
    assert told.steps() == [("x", "success"), ("true", "success")]


async def test_stopping_waits_for_jobs_within_the_grace(server, tmp_path):
    async with a_runner(server, tmp_path, backend=FakeBackend()) as runner:
        told = server.submit(an_order(a_step("x", environment={"FAKE_SLEEP": "0.1"})))
        await until(told, lambda: 2 in told.reports)
        await runner.stop(10)
        assert told.result.status is ExecutionStatus.SUCCESS


async def test_work_that_the_server_gave_away_is_removed_at_the_start(server, tmp_path):
    backend = FakeBackend()
    async with a_runner(server, tmp_path, backend=backend):
        told = server.submit(an_order(a_step("x", environment={"FAKE_SLEEP": "600"})))
        await until(told, lambda: 2 in told.reports)
    assert len(backend.worlds) == 1
    server.lost.add(told.order.lease.execution_id)
    async with a_runner(server, tmp_path, backend=backend) as runner:
        while runner.busy:
            await asyncio.wait(runner._tasks)
    assert backend.worlds == {}
    assert list((tmp_path / "jobs").iterdir()) == []


async def test_no_more_jobs_run_at_once_than_there_are_slots(server, tmp_path):
    async with a_runner(server, tmp_path, backend=FakeBackend(), slots=2):
        step = a_step("x", environment={"FAKE_SLEEP": "0.02"})
        jobs = [server.submit(an_order(step)) for _ in range(6)]
        for job in jobs:
            await job.ended.wait()
    assert server.most_at_once == 2


async def test_what_cannot_be_opened_is_told_in_the_first_step(server, tmp_path):
    refuse = CannotOpen('The image "x" is not there.', infrastructure=False)
    async with a_runner(server, tmp_path, backend=FakeBackend(refuse=refuse)):
        told = server.submit(an_order("true"))
        await told.ended.wait()
    assert told.result.status is ExecutionStatus.FAILED
    assert told.result.message == 'The image "x" is not there.'
    assert told.output(0) == 'The image "x" is not there.\n'
    assert [report.status for report in told.reports.values()] == ["failed"]


async def test_a_world_that_vanishes_is_an_infrastructure_failure(server, tmp_path):
    backend = FakeBackend()
    async with a_runner(server, tmp_path, backend=backend):
        told = server.submit(an_order(a_step("x", environment={"FAKE_SLEEP": "600"})))
        await until(told, lambda: 2 in told.reports)
        backend.lose(told.order.lease.execution_id)
        await told.ended.wait()
    assert told.result.status is ExecutionStatus.INFRASTRUCTURE_FAIL
    assert told.steps() == [("x", "infrastructure_fail")]
    assert "environment was lost" in told.output(2)


async def test_two_runners_do_not_share_a_folder(server, tmp_path):
    async with a_runner(server, tmp_path, backend=FakeBackend()):
        await server.until_called("claim")
        second = Runner(server, FakeBackend(), folder=tmp_path, clock=SystemClock())
        with pytest.raises(CannotRun, match="Another runner uses the folder"):
            await second.run()


async def test_a_back_end_that_cannot_work_ends_the_runner_with_its_reason(tmp_path):
    backend = FakeBackend(broken="Start Docker.")
    runner = Runner(FakeServer(), backend, folder=tmp_path, clock=SystemClock())
    with pytest.raises(CannotRun, match=r"Start Docker\."):
        await runner.run()


async def until(told, condition) -> None:
    """Return once the server has heard enough."""
    while not condition():
        told.changed.clear()
        await told.changed.wait()


def test_a_lease_is_renewed_at_a_third_of_its_length():
    """Two renewals may be lost in a row."""
    assert RENEW_SECONDS * 3 <= LEASE_SECONDS
