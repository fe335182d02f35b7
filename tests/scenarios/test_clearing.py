"""Clearing a project's caches."""

from roundel.domain.clock import HOUR
from roundel.services.sweeping import sweep_storage
from tests.scenarios.conftest import House
from tests.scenarios.test_keeping import cached, objects, start


async def test_cleared_caches_are_found_no_more_and_their_objects_go(house: House) -> None:
    lease = (await start(house)).lease
    await cached(house, lease, "one")
    await cached(house, lease, "two")
    assert await house.use.clear_caches(house.project) == 2
    assert await house.engine.runners.find_cache(lease, ["one", "two"]) is None
    assert objects(house) == 2
    house.clock.forward(2 * HOUR)
    await sweep_storage(house.engine)
    assert objects(house) == 0
    assert await house.use.clear_caches(house.project) == 0
