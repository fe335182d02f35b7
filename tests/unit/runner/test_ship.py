"""The order in which a job's reports and output reach the server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest

from roundel.domain.clock import SystemClock
from roundel.domain.runners import Shipment, StepReport, StepStatus
from roundel.runner import ship
from roundel.runner.lease import HeldLease
from roundel.runner.ship import Shipper
from roundel.vault.masking import Forms


def began(index: int) -> StepReport:
    return StepReport(
        index=index, name=f"step {index}", kind="run", status=StepStatus.RUNNING, started_at=1
    )


class SlowServer:
    """Holds the lease's calls up until it is let go, and keeps what it was told in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.reporting = asyncio.Event()
        self.let_go = asyncio.Event()

    async def ship(self, shipment: Shipment) -> None:
        self.told += [("report", step.index) for step in shipment.begun]
        self.told += [("chunk", chunk.step) for chunk in shipment.chunks]
        self.told += [("end", step.index) for step in shipment.ended]
        self.reporting.set()
        await self.let_go.wait()


@contextlib.asynccontextmanager
async def shipping() -> AsyncIterator[tuple[Shipper, SlowServer]]:
    server = SlowServer()
    shipper = Shipper(cast("HeldLease", cast("Any", server)), Forms(()), SystemClock())
    running = asyncio.create_task(shipper.run())
    yield shipper, server
    running.cancel()


async def told(server: SlowServer) -> list[tuple[str, int]]:
    """Wait for the next call; return all that was told so far."""
    async with asyncio.timeout(30):
        await server.reporting.wait()
    server.reporting.clear()
    return server.told


async def test_output_of_a_step_that_begins_during_a_call_waits_until_the_step_is_told() -> None:
    async with shipping() as (shipper, server):
        shipper.begin(began(0))
        await told(server)
        second = shipper.begin(began(1))
        await second(b"early\n", 6)
        server.let_go.set()
        rest = await shipper.rest()
    assert server.told == [("report", 0)]
    assert [step.index for step in rest.begun] == [1]
    assert [(chunk.step, chunk.data) for chunk in rest.chunks] == [(1, b"early\n")]


async def test_a_steps_first_output_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ship, "SPACING_SECONDS", 1000.0)
    monkeypatch.setattr(ship, "BEGIN_SECONDS", 1000.0)
    async with shipping() as (shipper, server):
        server.let_go.set()
        first = shipper.begin(began(0))
        await first(b"hi\n", 3)
        assert await told(server) == [("report", 0), ("chunk", 0)]
        first.end(replace(began(0), status=StepStatus.SUCCESS))
        second = shipper.begin(began(1))
        await second(b"hi\n", 3)
        assert (await told(server))[2:] == [("report", 1), ("chunk", 1), ("end", 0)]
        await second(b"more\n", 8)
        for _ in range(100):  # turns of the loop, in which the shipper may do what it wants
            await asyncio.sleep(0)
        rest = await shipper.rest()
    assert [chunk.data for chunk in rest.chunks] == [b"more\n"]


async def test_a_step_that_says_nothing_is_told_of_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ship, "SPACING_SECONDS", 1000.0)
    monkeypatch.setattr(ship, "FOLLOWING_SECONDS", 1000.0)
    async with shipping() as (shipper, server):
        server.let_go.set()
        first = shipper.begin(began(0))
        first.end(replace(began(0), status=StepStatus.SUCCESS))
        shipper.begin(began(1))
        assert await told(server) == [("report", 0), ("report", 1), ("end", 0)]
