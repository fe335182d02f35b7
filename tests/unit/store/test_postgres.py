"""What only PostgreSQL has: several writers, wake-ups between them, connections that break."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator

import pytest

from roundel.domain.ids import ExecutionId
from roundel.store.dialect import for_postgres, schema_for_postgres
from roundel.store.schema import MIGRATIONS, NewerDatabase, migration_ids
from roundel.store.transaction import Transaction
from roundel.store.wakeups import LocalWakeups
from tests.postgres import Cluster
from tests.unit.store.test_database import a_key, known_keys, texts

ENDS = (signal.SIGQUIT, signal.SIGINT, signal.SIGQUIT)  # a power cut is SIGQUIT's likeness

pytestmark = pytest.mark.postgresql


@pytest.fixture
def url(postgres: Cluster):
    url = postgres.empty()
    yield url
    postgres.drop(url)


@pytest.fixture
async def pair(url: str) -> AsyncIterator[list[tuple]]:
    """Two servers' databases, each with its own wake-ups."""
    from roundel.store.postgres import PostgresDatabase
    from roundel.store.postgres_schema import prepare_postgres

    prepare_postgres(url)
    made = []
    for _ in range(2):
        wakeups = LocalWakeups()
        made.append((PostgresDatabase(url, wakeups), wakeups))
    yield made
    for database, _ in made:
        await asyncio.to_thread(database.close)


def test_statements_are_said_in_its_words() -> None:
    said, names = for_postgres(
        "SELECT a::text FROM t WHERE a LIKE '5%:x' AND b % 2 = :b_1 AND :c < :b_1 /*pg FOR X */"
    )
    assert said == b"SELECT a::text FROM t WHERE a LIKE '5%:x' AND b % 2 = $1 AND $2 < $1 FOR X "
    assert names == ("b_1", "c")
    assert schema_for_postgres("a TEXT, b BLOB") == 'a TEXT COLLATE "C", b BYTEA'


def shape(url: str) -> list[tuple]:
    import psycopg

    with psycopg.connect(url) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name"
            " FROM information_schema.columns WHERE table_schema = 'public'"
            " AND table_name NOT LIKE '%yoyo%' ORDER BY table_name, ordinal_position"
        ).fetchall()
        indexes = connection.execute(
            "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'"
            " AND tablename NOT LIKE '%yoyo%' ORDER BY indexname"
        ).fetchall()
        checks = connection.execute(
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace"
            " AND conrelid::regclass::text NOT LIKE '%yoyo%' ORDER BY 1, 2"
        ).fetchall()
    return [*columns, *indexes, *checks]


def test_the_snapshot_equals_all_migrations(postgres: Cluster, url: str) -> None:
    from roundel.store.postgres_schema import prepare_postgres

    prepare_postgres(url)
    migrated = postgres.empty()
    import psycopg

    with psycopg.connect(migrated, autocommit=True) as connection:
        connection.execute("CREATE TABLE schema_version (version INTEGER NOT NULL)")
        connection.execute("INSERT INTO schema_version (version) VALUES (0)")
    prepare_postgres(migrated)
    prepare_postgres(migrated)
    assert shape(migrated) == shape(url)
    postgres.drop(migrated)


def test_a_database_of_a_newer_program_is_refused(url: str) -> None:
    import psycopg

    from roundel.store.postgres_schema import prepare_postgres

    prepare_postgres(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE schema_version SET version = 99")
    with pytest.raises(NewerDatabase, match=r"schema version 99.*newer program"):
        prepare_postgres(url)
    assert len(migration_ids(MIGRATIONS)) < 99


async def test_servers_that_start_at_once_make_the_tables_once(url: str) -> None:
    from roundel.store.postgres_schema import prepare_postgres

    await asyncio.gather(*(asyncio.to_thread(prepare_postgres, url) for _ in range(4)))


def test_a_database_that_is_away_is_named_without_its_password() -> None:
    from roundel.store.postgres_schema import NoDatabase, prepare_postgres

    with pytest.raises(
        NoDatabase, match=r"postgresql://127\.0\.0\.1:1/x does not answer"
    ) as refusal:
        prepare_postgres("postgresql://me:hush@127.0.0.1:1/x")
    assert "hush" not in str(refusal.value)


async def test_a_commit_of_one_server_wakes_who_waits_at_another(pair) -> None:
    (one, _), (two, wakeups) = pair
    await two.read(texts)  # so that it knows on which loop its waiters are
    with wakeups.listen("claims") as woken:
        async with asyncio.timeout(10):
            while not woken.is_set():
                await one.write(lambda tx: tx.wake("claims"))
                await asyncio.sleep(0.01)


async def test_writers_of_two_servers_never_overlap(pair) -> None:
    def count_up(tx: Transaction) -> None:
        before = tx.documents.get("0" * 64) or "0"
        sql = tx.documents._sql
        sql.run("DELETE FROM document WHERE hash = :hash", hash="0" * 64)
        sql.run(
            "INSERT INTO document (hash, text) VALUES (:hash, :text)",
            hash="0" * 64,
            text=str(int(before) + 1),
        )

    await asyncio.gather(*(pair[number % 2][0].write(count_up) for number in range(400)))
    assert await pair[0][0].read(texts) == {"400"}


async def test_a_connection_cut_in_a_transaction_costs_nothing(postgres: Cluster, pair) -> None:
    (one, _), _ = pair
    cut = False

    def put(tx: Transaction) -> str:
        nonlocal cut
        digest = tx.documents.put("hello")
        if not cut:
            cut = True
            postgres.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'roundel'"
            )
        return digest

    await one.write(put)
    assert await one.read(texts) == {"hello"}


async def test_a_restart_of_the_database_is_waited_for_and_doubles_nothing(
    postgres: Cluster, pair
) -> None:
    (one, _), (two, _) = pair
    done: list[str] = []
    enough = {number: asyncio.Event() for number in (20, 60, 120)}

    async def writer(database, name: str) -> None:
        for number in range(60):
            text = f"{name}-{number}"

            def add(tx: Transaction, text: str = text) -> None:
                # Done twice it would fail: the key is the text itself.
                tx.documents._sql.run(
                    "INSERT INTO document (hash, text) VALUES (:hash, :hash)", hash=text
                )

            await database.write(add)
            done.append(text)
            if len(done) in enough:
                enough[len(done)].set()

    async def restart() -> None:
        for event, how in zip(enough.values(), ENDS, strict=True):
            await event.wait()
            await asyncio.to_thread(postgres.stop, how)
            await asyncio.to_thread(postgres.start)

    await asyncio.gather(writer(one, "a"), writer(one, "b"), writer(two, "c"), restart())
    assert await two.read(texts) == set(done)
    assert len(done) == 180


async def test_texts_with_zero_bytes_are_kept_without_them(pair) -> None:
    (one, _), _ = pair
    await one.write(lambda tx: tx.documents.put("a\0b"))
    assert await one.read(texts) == {"a\N{REPLACEMENT CHARACTER}b"}


async def test_steps_of_nobody_are_none(pair) -> None:
    (one, _), _ = pair
    nobody = ExecutionId("018e2d5f-0000-7000-8000-000000000000")
    assert await one.write(lambda tx: tx.steps.output_ends(nobody, {0})) == {}


async def test_more_statements_than_are_kept_prepared_all_answer(pair) -> None:
    (one, _), _ = pair

    def ask(sql) -> list[int]:
        return [sql.one(f"SELECT :n + {n}", n=n)[0] for n in range(600) for _ in range(3)]

    assert await one.read(ask) == [n + n for n in range(600) for _ in range(3)]


async def test_values_come_back_as_they_were(pair) -> None:
    (one, _), _ = pair
    values = {"a": "\u00e9\n'", "b": b"\x00\xff", "c": -(2**62), "d": None}
    statement = "SELECT :a::text, :b::bytea, :c::bigint, :d::text, 1.5::float8, NULL::bigint"
    assert await one.read(lambda sql: sql.one(statement, **values)) == (
        *values.values(),
        1.5,
        None,
    )


async def test_what_another_server_has_changed_is_seen_by_the_next_transaction(pair) -> None:
    (one, _), (other, _) = pair
    assert await one.write(known_keys) == []
    await other.write(lambda tx: tx.signing_keys.add(a_key("theirs")))
    assert await one.write(known_keys) == ["theirs"]


def test_no_statement_is_forgotten_while_it_waits(url: str, monkeypatch) -> None:
    from roundel.store import postgres_link

    monkeypatch.setattr(postgres_link, "_MOST_PREPARED", 2)
    link = postgres_link.PostgresLink(postgres_link.connect(url))
    try:
        link.script("CREATE TEMP TABLE pair (a BIGINT, b BIGINT)")
        # Three kinds by where the NULLs are, each often enough to be prepared.
        rows = [{"a": a, "b": b} for a, b in ((1, None), (None, 1), (1, 1)) for _ in range(3)]
        for _ in range(2):
            link.begin("BEGIN")
            link.execute("SELECT 1", {})  # so that the rows are what waits first
            link.executemany("INSERT INTO pair VALUES (:a, :b)", rows)
            link.script("COMMIT")
        link.begin("BEGIN")
        assert link.execute("SELECT COUNT(*) FROM pair", {}).fetchone() == (2 * len(rows),)
        kept = link.execute("SELECT COUNT(*) FROM pg_prepared_statements", {}).fetchone()
        assert kept is not None
        assert kept[0] <= 2
    finally:
        link.close()


@pytest.mark.parametrize("before", [0, 1, 2], ids=["new", "to be prepared", "prepared"])
@pytest.mark.parametrize("behind", [False, True], ids=["alone", "behind others"])
@pytest.mark.parametrize("how", [socket.SHUT_WR, socket.SHUT_RDWR], ids=["half", "whole"])
def test_a_connection_that_is_cut_is_told_as_such_whatever_was_said(
    url: str, before: int, behind: bool, how: int
) -> None:
    from psycopg import OperationalError

    from roundel.store.postgres_link import PostgresLink, connect

    link = PostgresLink(connect(url))
    try:
        for _ in range(before):
            link.execute("SELECT :n + 1", {"n": 1})
        with socket.socket(fileno=os.dup(link.connection.fileno())) as wire:
            wire.shutdown(how)
        if behind:
            link.say("SELECT 1")
        with pytest.raises(OperationalError):
            link.execute("SELECT :n + 1", {"n": 1})
    finally:
        link.close()


def test_a_failure_without_a_code_is_one_of_the_connection(url: str) -> None:
    from psycopg import OperationalError, errors
    from psycopg.pq import ExecStatus

    from roundel.store.postgres_link import PostgresLink, connect

    link = PostgresLink(connect(url))
    try:
        with pytest.raises(errors.UndefinedTable):
            link.execute("SELECT 1 FROM nowhere", {})
        # As libpq answers when it could not write, before it has read that the other end is gone.
        cut = link.connection.pgconn.make_empty_result(ExecStatus.FATAL_ERROR)
        with pytest.raises(OperationalError):
            link._checked([cut])
    finally:
        link.close()
