"""Waiting for what only a look can tell: a row of a database, another process."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(true: Callable[[], Awaitable[bool]], within: float = 60.0) -> None:
    """Return once `true()` is; fail when that takes too long."""
    async with asyncio.timeout(within):
        while not await true():  # noqa: ASYNC110 - nobody here could set an event
            await asyncio.sleep(0.02)
