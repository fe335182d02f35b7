"""What goes both ways at once, over a line that either side may end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def until_one_ends(*ways: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """Run all of them until one has ended, cancel the others, and return that one.

    Of several that end at once it is the first that was named.
    """
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task.done())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
