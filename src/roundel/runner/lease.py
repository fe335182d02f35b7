"""Keeping a lease: every call to the server about one execution, tried again while it is away."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from roundel.domain.errors import DomainError, LeaseLost
from roundel.domain.runners import (
    RENEW_SECONDS,
    Lease,
    Orders,
    Result,
    Server,
    Shipment,
)
from roundel.runner.metering import Meter

LOG = logging.getLogger("roundel.runner")
FIRST_DELAY_SECONDS = 0.1
LAST_DELAY_SECONDS = 10.0  # a server that comes back is noticed within this time
NOTHING = Shipment()
T = TypeVar("T")


async def persistently(what: str, call: Callable[[], Awaitable[T]]) -> T:
    """Return what `call` returns, tried again with growing pauses while the server is away.

    A refusal (a domain error) is an answer and is let through.
    """
    delay = FIRST_DELAY_SECONDS
    while True:
        try:
            return await call()
        except DomainError:
            raise
        except Exception as error:  # whatever the transport throws
            if delay == FIRST_DELAY_SECONDS:
                LOG.warning("event=server_away call=%s: %s: %s", what, type(error).__name__, error)
        await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 spreads the herd
        delay = min(delay * 2, LAST_DELAY_SECONDS)


class HeldLease:
    """One execution's side of the protocol.

    The runner may go on with its fence for as long as the server has not given the work to
    another: so an absent server is waited for, and only its word ends the lease.
    """

    def __init__(self, server: Server, lease: Lease) -> None:
        self.lease = lease
        self.lost = False
        self.stop = asyncio.Event()  # cancelled, or lost
        self.meter = Meter()
        self._server = server

    async def renew_regularly(self) -> None:
        """Renew at a third of the lease's length, for as long as it is ours."""
        while not self.lost:
            await asyncio.sleep(RENEW_SECONDS)
            with contextlib.suppress(LeaseLost):
                await self._renew()

    async def _renew(self) -> None:
        samples = self.meter.waiting
        await self._ask("renew", lambda: self._server.renew(self.lease, samples))
        self.meter.sent(samples)

    async def watch(self, called: Callable[[], Awaitable[None]]) -> None:
        """Wait for the server to say that this execution is to stop.

        `called` is awaited each time that somebody wants a shell.
        """
        with contextlib.suppress(LeaseLost):
            while not self.stop.is_set():
                orders = await self._call("called", lambda: self._server.called(self.lease))
                if orders.cancel:
                    self.stop.set()
                elif orders.shell_wanted:
                    await called()

    async def ship(self, shipment: Shipment) -> None:
        """Tell of steps and hand over their output.  Raise LeaseLost."""
        await self._ask("ship", lambda: self._server.ship(self.lease, shipment))

    async def end(self, shipment: Shipment, result: Result) -> None:
        """Tell what was not told yet, what else was measured, and the end.

        A lease that is lost already is not an error any more.
        """
        with contextlib.suppress(LeaseLost):
            told = replace(result, samples=self.meter.waiting)
            if shipment == NOTHING:
                await self._call("finish", lambda: self._server.finish(self.lease, told))
            else:
                await self._call("end", lambda: self._server.end(self.lease, shipment, told))

    async def storing(self, what: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call about what is kept.  A refusal other than LeaseLost is an answer."""
        if self.lost:
            raise LeaseLost("the lease of this execution was lost")
        try:
            return await persistently(what, call)
        except LeaseLost:
            self.lost = True
            self.stop.set()
            raise

    async def _ask(self, what: str, call: Callable[[], Awaitable[Orders]]) -> None:
        orders = await self._call(what, call)
        if orders.cancel:
            self.stop.set()

    async def _call(self, what: str, call: Callable[[], Awaitable[T]]) -> T:
        if self.lost:
            raise LeaseLost("the lease of this execution was lost")
        try:
            return await persistently(what, call)
        except DomainError as error:
            # Any refusal means that the server does not know this execution as ours.
            if not isinstance(error, LeaseLost):
                LOG.error("event=refused call=%s: %s", what, error)
            self.lost = True
            self.stop.set()
            raise LeaseLost(str(error)) from error
