"""Asking for jobs: one question waits for work; the more comes, the more are asked at once.

A claim is a transaction at the server and what is signed for its job after that.  A runner with
many slots that claimed one job after another would have few of them busy.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from roundel.domain.errors import DomainError
from roundel.domain.ids import ExecutionId
from roundel.domain.runners import JobOrder, Offer
from roundel.domain.storage import KeepingServer
from roundel.runner.lease import persistently

MOST_AT_ONCE = 8  # a server gives out twice as many in one transaction


class Asking:
    """Asks on behalf of a runner.  `holds` tells what it has, `take` begins an order."""

    def __init__(
        self,
        server: KeepingServer,
        offer: Offer,
        holds: Callable[[], frozenset[ExecutionId]],
        take: Callable[[JobOrder], Coroutine[Any, Any, None]],
    ) -> None:
        self._server = server
        self._offer = offer
        self._more = replace(offer, wait_seconds=0.0)
        self._holds = holds
        self._take = take
        self._most = 1  # questions at once: twice as many after each time that all brought a job
        self._lost = False  # whether an answer, and a job in it, may have been lost on its way

    async def ask(self, free: int) -> None:
        """Ask until the server answers, for as many jobs as there are slots free if work comes.

        A refusal of the server is raised.
        """
        others = [asyncio.create_task(self._ask_once()) for _ in range(min(free, self._most) - 1)]
        try:
            order = await persistently("claim", lambda: self._ask(others))
            if order is not None:
                await self._take(order)
            all_had_one = order is not None and all(await asyncio.gather(*others))
            self._most = min(2 * self._most, MOST_AT_ONCE) if all_had_one else 1
        finally:
            for other in others:
                other.cancel()
            await _ended(others)

    async def _ask(self, others: "Sequence[asyncio.Task[bool]]") -> JobOrder | None:
        """Ask and wait for work.

        After an answer that was lost the server learns first what we have, so that a job in that
        answer need not wait until its lease runs out.  Nothing else may be on its way to us then.
        """
        if self._lost:
            await _ended(others)
            await self._server.settle(self._offer.runner_id, self._holds())
            self._lost = False
        return await self._claim(self._offer)

    async def _ask_once(self) -> bool:
        """Begin a job more if there is one now; tell whether there was."""
        try:
            order = await self._claim(self._more)
        except Exception:  # the question that waits meets the same, and tells of it
            return False
        if order is not None:
            await self._take(order)
        return order is not None

    async def _claim(self, offer: Offer) -> JobOrder | None:
        try:
            return await self._server.claim(offer)
        except DomainError:
            raise
        except Exception:  # whatever the transport throws
            self._lost = True
            raise


async def _ended(tasks: "Sequence[asyncio.Task[bool]]") -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
