"""Tries of random events on one house, which takes long to build."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.scenarios.conftest import House


async def nothing(house: House) -> None:
    del house


def try_all(
    house: House,
    tries: int,
    one: Callable[[st.DataObject], Coroutine[Any, Any, None]],
    *,
    before: Callable[[House], Awaitable[None]] = nothing,
    after: Callable[[House], Awaitable[None]] = nothing,
) -> None:
    """Open the house and try `one` so often, with what Hypothesis draws; then end the house."""
    with asyncio.Runner() as runner:

        async def begin() -> None:
            await house.open()
            await before(house)

        async def end() -> None:
            await after(house)

        runner.run(begin())
        try:

            @settings(
                max_examples=tries,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                database=None,
            )
            @given(st.data())
            def try_one(data: st.DataObject) -> None:
                runner.run(one(data))

            try_one()
            runner.run(end())
        finally:
            runner.run(house.engine.stop())
