"""R4: a database in trouble makes requests wait or be refused with 503; nothing is half done.

`test_database_away.py` has the restarts.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.clock import MINUTE
from roundel.domain.errors import Unavailable
from roundel.domain.pipelines import Pipeline, Ref
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.postgres import Cluster
from tests.scenarios.conftest import House
from tests.waiting import until

TRIGGER = "/api/v2/project/gh/acme/web/pipeline"
TROUBLES = {
    "full": ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1073741823"),  # 1: no page more
    "read-only": ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
}

END_OURS = b"""
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'roundel'
"""


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "data")
    await house.open()
    yield house
    await house.engine.stop()


@pytest.fixture
async def on_postgres(tmp_path: Path, postgres: Cluster) -> AsyncIterator[House]:
    url = postgres.fresh()
    house = House(tmp_path / "data", url)
    await house.open()
    yield house
    await house.engine.stop()
    postgres.drop(url)


async def sees_through(house: House, accepted: int) -> None:
    """See that there is what was accepted, numbered without gaps, and that each job runs once."""
    await house.engine.ticks.settled()
    house.clock.forward(11 * MINUTE)  # what could not be compiled is taken up again
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()
    await house.runner.run_all()
    numbers = await house.rows("SELECT number FROM pipeline ORDER BY number")
    assert numbers == [(number,) for number in range(1, accepted + 1)]
    assert await house.rows("SELECT status, count(*) FROM job GROUP BY status") == [
        ("success", accepted)
    ]
    assert len(await house.rows("SELECT id FROM execution")) == accepted


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_r4_what_the_disk_does_not_take_is_refused_with_503(
    embedded: House, trouble: str
) -> None:
    house = embedded
    begins, ends = TROUBLES[trouble]
    api = create_api(house.engine, UseCases(house.engine), SETTINGS)
    client = Client(api, (house.folder / "admin-token").read_text().strip())
    assert (await client.post(TRIGGER, {})).status == 201
    connection = house.engine.database._writer._session._connection  # type: ignore[attr-defined]
    connection.execute(begins)
    answers = [await client.post(TRIGGER, {}) for _ in range(40)]
    accepted = 1 + [answer.status for answer in answers].count(201)
    assert {answer.status for answer in answers} - {201} == {503}
    assert {answer.headers["retry-after"] for answer in answers if answer.status == 503} == {"2"}
    with contextlib.suppress(Unavailable):  # the ticks of a server go on over it as well
        await house.engine.ticks.tick()
    assert (await client.get(TRIGGER)).status == 200
    connection.execute(ends)
    assert (await client.post(TRIGGER, {})).status == 201
    await sees_through(house, accepted + 1)

    async def all_told() -> bool:
        return await house.rows("SELECT count(*) FROM audit") == [(accepted + 1,)]

    await until(all_told)


async def test_r4_who_comes_while_the_file_is_locked_waits(embedded: House) -> None:
    house = embedded
    other = sqlite3.connect(house.folder / "roundel.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = [asyncio.create_task(triggers(house)) for _ in range(5)]
    done, _ = await asyncio.wait(waiting, timeout=0.2)
    assert not done
    other.execute("COMMIT")
    other.close()
    assert sorted(one.number for one in await asyncio.gather(*waiting)) == [1, 2, 3, 4, 5]
    await sees_through(house, 5)


async def triggers(house: House) -> Pipeline:
    made = await house.use.trigger_pipeline(house.project, Ref(), {}, house.admin)
    assert made is not None
    return made


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "code",
    ["40001", "40P01", "53100", "53200"],
    ids=["serialization", "deadlock", "disk", "memory"],
)
async def test_r4_what_postgresql_could_not_do_now_is_done_again(
    on_postgres: House, code: str
) -> None:
    house = on_postgres
    house.compiler.plan = a_plan("build")
    await house.damage("CREATE SEQUENCE trouble")  # what it counted stays counted in a rollback
    await house.damage(
        "CREATE FUNCTION fails() RETURNS trigger AS $$ BEGIN"
        " IF nextval('trouble') < 4 THEN"
        f" RAISE EXCEPTION 'not now' USING ERRCODE = '{code}'; END IF;"
        " RETURN NEW; END $$ LANGUAGE plpgsql"
    )
    await house.damage(
        "CREATE TRIGGER fails BEFORE INSERT ON pipeline FOR EACH ROW EXECUTE FUNCTION fails()"
    )
    assert [(await triggers(house)).number for _ in range(2)] == [1, 2]
    assert await house.rows("SELECT last_value FROM trouble") == [(5,)]
    await sees_through(house, 2)


@pytest.mark.postgresql
async def test_r4_a_database_that_only_reads_is_left_for_the_one_that_writes(
    on_postgres: House, postgres: Cluster
) -> None:
    house = on_postgres
    [(name,)] = await house.rows("SELECT current_database()")
    postgres.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    postgres.sql(END_OURS.decode())
    waiting = asyncio.create_task(triggers(house))
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert not done
    postgres.sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert (await waiting).number == 1
    await sees_through(house, 1)


@pytest.mark.postgresql
async def test_r4_a_database_that_pauses_is_waited_for(
    on_postgres: House, postgres: Cluster
) -> None:
    house = on_postgres
    with postgres.paused():
        waiting = [asyncio.create_task(triggers(house)) for _ in range(5)]
        done, _ = await asyncio.wait(waiting, timeout=0.5)
        assert not done
    assert sorted(one.number for one in await asyncio.gather(*waiting)) == [1, 2, 3, 4, 5]
    await sees_through(house, 5)


@pytest.mark.postgresql
async def test_r4_a_storm_of_connections_is_waited_out(
    on_postgres: House, postgres: Cluster
) -> None:
    import psycopg

    house = on_postgres
    storm: list[psycopg.Connection] = []
    url = postgres.url("postgres")

    async def all_are_taken() -> bool:
        """Take each place that one of ours leaves, which may be long after it was told to end."""
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                storm.append(psycopg.connect(url, autocommit=True, application_name="storm"))
        storm[0].execute(END_OURS)
        [(places,)] = storm[0].execute("SHOW max_connections")
        return len(storm) == int(places)

    try:
        await until(all_are_taken)
        waiting = asyncio.create_task(triggers(house))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
    finally:
        for one in storm:
            one.close()
    assert (await waiting).number == 1
    await sees_through(house, 1)
