"""A repository that nobody tells of: looked at often while it moves, seldom while it does not."""

from roundel.domain.clock import SECOND
from roundel.domain.repositories import Trouble, TroubleKind
from tests.git_messages import A, B
from tests.scenarios.conftest import House

AWAY = Trouble(kind=TroubleKind.UNREACHABLE, message="The repository could not be read: away")


async def pauses(house: House, looks: int) -> list[int]:
    """Let the clock reach each next look; how long it was put off after it, in seconds."""
    found = []
    for _ in range(looks):
        ((pause, _),) = await watch(house)
        house.clock.forward(pause + SECOND)
        await house.engine.ticks.tick()
        await house.engine.ticks.settled()
        ((pause, _),) = await watch(house)
        found.append(pause // SECOND)
    return found


async def watch(house: House) -> list[tuple[int, str]]:
    rows = await house.rows(
        f"SELECT pause, problem FROM git_watch WHERE project_id = '{house.project.id}'"  # noqa: S608
    )
    return [(row[0], row[1]) for row in rows]


async def test_a_repository_that_cannot_be_reached_is_asked_less_and_less(house: House) -> None:
    house.repositories.found_heads = {"refs/heads/main": A}
    await house.use.git.poll(house.project)
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()
    house.repositories.trouble = AWAY
    assert await pauses(house, 7) == [10, 20, 40, 80, 160, 240, 240]
    assert (await watch(house))[0][1] == AWAY.message
    house.repositories.trouble = None
    house.repositories.found_heads = {"refs/heads/main": B}
    assert await pauses(house, 1) == [5]  # it is back, and it has moved
    assert (await watch(house))[0][1] == ""
    assert await pauses(house, 6) == [10, 20, 40, 80, 120, 120]
