"""How a runner measures one job: seldom, and not at all within its first second."""

import asyncio
import logging
from typing import Protocol

from roundel.backends.protocol import Use
from roundel.domain.clock import Clock
from roundel.domain.resource_use import Sample, joined

LOG = logging.getLogger("roundel.runner")
FIRST_SECONDS = 1.0  # most jobs that are shorter are of no interest, and pay nothing
EVERY_SECONDS = 5.0
LAST_SECONDS = 1.0  # how long the end of a job may be kept waiting for its last sample


class Measured(Protocol):
    """The part of a sandbox that is asked."""

    async def measured(self, *, cheaply: bool) -> Use | None: ...


class Meter:
    """Takes samples of an open sandbox until they are sent with what the runner tells anyway."""

    def __init__(self, first: float = FIRST_SECONDS, every: float = EVERY_SECONDS) -> None:
        self._first, self._every = first, every
        self._waiting: list[Sample] = []
        self._cpu_ms = 0

    @property
    def waiting(self) -> tuple[Sample, ...]:
        """Return what the server has not been told."""
        return tuple(self._waiting)

    def sent(self, samples: tuple[Sample, ...]) -> None:
        """Forget what the server knows now."""
        known = {it.at for it in samples}
        self._waiting = [it for it in self._waiting if it.at not in known]

    async def run(self, sandbox: Measured, clock: Clock) -> None:
        """Sample now and then, for ever."""
        await asyncio.sleep(self._first)
        while True:
            await self._look(sandbox, clock, cheaply=False)
            await asyncio.sleep(self._every)

    async def last(self, sandbox: Measured, clock: Clock) -> None:
        """Take a sample at the job's end.  One that was too short for any has to be cheap."""
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await self._look(sandbox, clock, cheaply=True)
        except TimeoutError:
            return

    async def _look(self, sandbox: Measured, clock: Clock, *, cheaply: bool) -> None:
        try:
            use = await sandbox.measured(cheaply=cheaply)
        except Exception:
            # Figures are a courtesy: no job fails for want of them.
            LOG.warning("event=not_measured", exc_info=True)
            return
        if use is not None:
            # What was let go by all that could be asked is still part of the sum.
            self._cpu_ms = max(self._cpu_ms, use.cpu_ms)
            sample = Sample(at=clock.now(), cpu_ms=self._cpu_ms, memory=use.memory)
            self._waiting = joined(self._waiting, (sample,))
