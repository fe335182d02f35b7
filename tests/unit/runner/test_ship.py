"""The order in which a job's reports and output reach the server."""

import asyncio
from typing import Any, cast

from roundel.domain.clock import SystemClock
from roundel.domain.runners import Shipment, StepReport, StepStatus
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


async def test_output_of_a_step_that_begins_during_a_call_waits_until_the_step_is_told() -> None:
    server = SlowServer()
    held = cast("HeldLease", cast("Any", server))
    shipper = Shipper(held, Forms(()), SystemClock())
    running = asyncio.create_task(shipper.run())
    shipper.begin(began(0))
    await server.reporting.wait()
    second = shipper.begin(began(1))
    await second(b"early\n", 6)
    server.let_go.set()
    rest = await shipper.rest()
    running.cancel()
    assert server.told == [("report", 0)]
    assert [step.index for step in rest.begun] == [1]
    assert [(chunk.step, chunk.data) for chunk in rest.chunks] == [(1, b"early\n")]
