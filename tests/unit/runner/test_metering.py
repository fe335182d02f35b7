"""When a job is measured, and that measuring never harms it."""

import asyncio

from roundel.backends.protocol import Use
from roundel.runner.metering import Meter
from tests.fakes import FakeClock


class Measured:
    """A sandbox of which only the use is asked; what it costs is asked for in vain."""

    def __init__(self, *uses: Use | Exception) -> None:
        self.uses = list(uses)
        self.dry = asyncio.Event()
        self.cheap: list[bool] = []

    async def measured(self, *, cheaply: bool) -> Use | None:
        self.cheap.append(cheaply)
        if not self.uses:
            self.dry.set()
            return None
        use = self.uses.pop(0)
        if isinstance(use, Exception):
            raise use
        return use


async def test_samples_wait_until_they_were_sent_and_a_look_that_fails_is_no_harm() -> None:
    meter = Meter(first=0, every=0)
    sandbox = Measured(Use(cpu_ms=5, memory=1), OSError("gone"), Use(cpu_ms=3, memory=2))
    looking = asyncio.create_task(meter.run(sandbox, FakeClock()))
    async with asyncio.timeout(5):
        await sandbox.dry.wait()
    looking.cancel()
    told = meter.waiting
    # A sum never becomes less, whoever has ended meanwhile.
    assert [(it.cpu_ms, it.memory) for it in told] == [(5, 1), (5, 2)]
    meter.sent(told[:1])
    assert meter.waiting == told[1:]
    assert not any(sandbox.cheap)


async def test_the_last_look_is_a_cheap_one() -> None:
    meter, sandbox = Meter(), Measured(Use(cpu_ms=5, memory=1))
    await meter.last(sandbox, FakeClock())
    assert sandbox.cheap == [True]
    assert len(meter.waiting) == 1
