"""The writer with its group commit, and the readers."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

import roundel
from roundel.domain.clock import Micros
from roundel.domain.contexts import Sealed
from roundel.domain.ids import TimerId
from roundel.domain.oidc import SigningKey
from roundel.domain.timers import Timer, TimerKind
from roundel.store.database import Database, SqliteDatabase, StoreUnavailable
from roundel.store.dialect import KeepingSql, Sql
from roundel.store.schema import prepare
from roundel.store.transaction import Transaction
from roundel.store.wakeups import LocalWakeups


def opened(tmp_path: Path, url: str | None, wakeups: LocalWakeups) -> Database:
    """Return an empty database of ours, made ready."""
    if url is None:
        path = tmp_path / "store.sqlite3"
        prepare(path)
        return SqliteDatabase(path, wakeups)
    from roundel.store.postgres import PostgresDatabase
    from roundel.store.postgres_schema import prepare_postgres

    prepare_postgres(url)
    return PostgresDatabase(url, wakeups)


@pytest.fixture
async def database(tmp_path: Path, database_url: str | None) -> AsyncIterator[Database]:
    database = opened(tmp_path, database_url, LocalWakeups())
    yield database
    database.close()


def texts(sql: Sql) -> set[str]:
    return {row[0] for row in sql.all("SELECT text FROM document")}


async def test_what_was_written_is_read_by_others(database: Database) -> None:
    await database.write(lambda tx: tx.documents.put("hello"))
    assert await database.read(texts) == {"hello"}


async def test_a_call_that_fails_takes_nothing_of_its_group_with_it(
    database: Database,
) -> None:
    began, go = threading.Event(), threading.Event()

    def first(tx: Transaction) -> None:
        began.set()
        go.wait()  # the others gather behind this one and share its commit
        tx.documents.put("first")

    def broken(tx: Transaction) -> None:
        tx.documents.put("never")
        raise ValueError("a mistake")

    calls = [asyncio.ensure_future(database.write(first))]
    await asyncio.to_thread(began.wait)
    calls.append(asyncio.ensure_future(database.write(broken)))
    calls.append(asyncio.ensure_future(database.write(lambda tx: tx.documents.put("last"))))
    await asyncio.sleep(0)  # lets both be handed over
    go.set()
    results = await asyncio.gather(*calls, return_exceptions=True)

    assert isinstance(results[1], ValueError)
    assert await database.read(texts) == {"first", "last"}


def mistaken(tx: Transaction) -> None:
    raise ValueError("before anything was said")


def put_and_mistaken(tx: Transaction) -> None:
    tx.timers.add(a_timer("never"))
    raise ValueError("before anything was asked")


def asked_and_mistaken(tx: Transaction) -> None:
    tx.timers.add(a_timer("never"))
    known_keys(tx)
    raise ValueError("after an answer")


def refused(tx: Transaction) -> None:
    tx.timers.add(a_timer("first"))
    known_keys(tx)


@pytest.mark.parametrize("fails", [mistaken, put_and_mistaken, asked_and_mistaken, refused])
@pytest.mark.parametrize("times", [1, 3])
async def test_what_was_answered_stays_however_the_next_call_of_the_group_fails(
    database: Database, fails: Callable[[Transaction], None], times: int
) -> None:
    began, go = threading.Event(), threading.Event()

    def first(tx: Transaction) -> None:
        began.set()
        go.wait()
        tx.timers.add(a_timer("first"))
        known_keys(tx)  # so that nothing of this call waits to be sent

    calls = [asyncio.ensure_future(database.write(first))]
    await asyncio.to_thread(began.wait)
    calls += [asyncio.ensure_future(database.write(fails)) for _ in range(times)]
    calls.append(asyncio.ensure_future(database.write(lambda tx: tx.timers.add(a_timer("last")))))
    await asyncio.sleep(0)  # lets all be handed over
    go.set()
    results = await asyncio.gather(*calls, return_exceptions=True)

    assert [isinstance(it, Exception) for it in results] == [False, *[True] * times, False]
    assert await database.read(subjects) == {"first", "last"}


async def test_a_refused_statement_is_rolled_back_to_its_call_only(
    database: Database,
) -> None:
    def refused(tx: Transaction) -> None:
        tx.documents.put("never")
        tx.people.revoke_token("x", 1)  # type: ignore[arg-type]
        raise KeyError("gone")

    with pytest.raises(KeyError):
        await database.write(refused)
    await database.write(lambda tx: tx.documents.put("after"))
    assert await database.read(texts) == {"after"}


def a_timer(subject: str) -> Timer:
    kind = TimerKind.COMPILE
    return Timer(id=TimerId(f"timer of {subject}"), kind=kind, subject=subject, run_at=Micros(5))


async def test_a_failure_that_comes_late_is_told_to_its_call_alone(database: Database) -> None:
    began, go = threading.Event(), threading.Event()

    def first(tx: Transaction) -> None:
        began.set()
        go.wait()
        tx.timers.add(a_timer("first"))

    def twice(tx: Transaction) -> None:
        tx.timers.add(a_timer("never"))
        tx.timers.add(a_timer("never"))

    calls = [asyncio.ensure_future(database.write(first))]
    await asyncio.to_thread(began.wait)
    calls.append(asyncio.ensure_future(database.write(twice)))
    calls.append(asyncio.ensure_future(database.write(lambda tx: tx.timers.add(a_timer("last")))))
    await asyncio.sleep(0)  # lets both be handed over
    go.set()
    results = await asyncio.gather(*calls, return_exceptions=True)

    assert results[0] is None
    assert type(results[1]).__name__ in {"IntegrityError", "UniqueViolation"}
    assert results[2] is None
    assert await database.read(subjects) == {"first", "last"}


async def test_a_call_sees_what_it_has_put_and_keeps_nothing_if_it_fails(
    database: Database,
) -> None:
    def asks(tx: Transaction) -> list[str]:
        tx.timers.add(a_timer("mine"))
        due = tx.timers.take_due(now=Micros(9), until=Micros(99), owner="me", limit=9)
        return [it.subject for it in due]

    def fails(tx: Transaction) -> None:
        tx.timers.add(a_timer("never"))
        raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"):
        await database.write(fails)
    assert await database.write(asks) == ["mine"]
    assert await database.read(subjects) == {"mine"}


def a_key(name: str) -> SigningKey:
    sealed = Sealed(key_id="k", data=b"x")
    return SigningKey(id=name, public_key="{}", private_key=sealed, signs_from=Micros(1))


def known_keys(tx: Transaction) -> list[str]:
    return [key.id for key in tx.signing_keys.all()]


async def test_rows_that_seldom_change_are_read_anew_once_they_do(database: Database) -> None:
    def changes(tx: Transaction) -> list[list[str]]:
        seen = [known_keys(tx)]
        tx.signing_keys.add(a_key("one"))
        seen += [known_keys(tx), known_keys(tx)]
        tx.signing_keys.remove(["one"])
        return [*seen, known_keys(tx)]

    assert await database.write(changes) == [[], ["one"], ["one"], []]


def test_an_answer_is_kept_until_a_table_that_it_read_changes() -> None:
    connection = sqlite3.connect(":memory:")
    for table in ("person", "dog", "cat"):
        connection.execute(f"CREATE TABLE {table} AS SELECT 1 AS id, 1 AS owner")
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    sql = KeepingSql(connection)

    def owners() -> list[tuple[int]]:
        return sql.kept("SELECT p.id FROM person p JOIN dog d ON d.owner = p.id")

    assert owners() == owners() == [(1,)]
    sql.run("UPDATE cat SET owner = 2")
    assert owners() == [(1,)]
    assert len([it for it in asked if it.startswith("SELECT")]) == 1
    for change in (
        "INSERT INTO dog VALUES (2, 1)",
        "UPDATE person SET id = 1",
        "DELETE FROM cat",  # what hangs on a row goes with it
    ):
        before = len(asked)
        sql.run(change)
        assert owners() == [(1,), (1,)]
        assert len([it for it in asked[before:] if it.startswith("SELECT")]) == 1
    connection.close()


async def test_what_a_failed_call_saw_of_its_own_changes_is_forgotten(database: Database) -> None:
    began, go = threading.Event(), threading.Event()

    def first(tx: Transaction) -> list[str]:
        began.set()
        go.wait()
        return known_keys(tx)

    def fails(tx: Transaction) -> None:
        tx.signing_keys.add(a_key("never"))
        assert known_keys(tx) == ["never"]
        raise ValueError("a mistake")

    calls = [asyncio.ensure_future(database.write(first))]
    await asyncio.to_thread(began.wait)
    calls += [asyncio.ensure_future(database.write(it)) for it in (fails, known_keys)]
    await asyncio.sleep(0)  # lets both be handed over
    go.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert (results[0], results[2]) == ([], [])
    assert isinstance(results[1], ValueError)


def subjects(sql: Sql) -> set[str]:
    return {row[0] for row in sql.all("SELECT subject FROM timer")}


async def test_a_caller_hears_of_success_only_after_the_commit(database: Database) -> None:
    for number in range(50):
        await database.write(lambda tx, number=number: tx.documents.put(str(number)))  # type: ignore[misc]
        assert str(number) in await database.read(texts)


async def test_many_callers_at_once_all_get_their_own_answer(database: Database) -> None:
    hashes = await asyncio.gather(
        *(
            database.write(lambda tx, number=number: tx.documents.put(str(number)))  # type: ignore[misc]
            for number in range(500)
        )
    )
    assert len(set(hashes)) == 500


async def test_wake_ups_come_after_the_commit_and_not_from_failed_calls(
    tmp_path: Path, database_url: str | None
) -> None:
    wakeups = LocalWakeups()
    database = opened(tmp_path, database_url, wakeups)

    def failing(tx: Transaction) -> None:
        tx.wake("topic")
        raise ValueError

    with wakeups.listen("topic") as woken:
        with pytest.raises(ValueError):
            await database.write(failing)
        await database.write(lambda tx: tx.documents.put("x"))
        assert not woken.is_set()
        await database.write(lambda tx: tx.wake("topic"))
        assert woken.is_set()
    database.close()


def texts_are_wanted(tx: Transaction) -> str | None:
    return tx.documents.get("x")


async def test_a_closed_store_says_so(database: Database) -> None:
    database.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await database.write(texts_are_wanted)


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(Exception, match=r"read-?only"):
        await database.read(lambda sql: sql.run("DELETE FROM document"))


WRITER = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from roundel.store.database import SqliteDatabase
from roundel.store.wakeups import LocalWakeups

async def main():
    database = SqliteDatabase(Path(sys.argv[1]), LocalWakeups())
    async def writer(name):
        for number in range(100000):
            text = f"{name}-{number}"
            await database.write(lambda tx: tx.documents.put(text))
            print(text, flush=True)
    await asyncio.gather(*(writer(name) for name in "abcd"))

asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledged", [1, 50, 400])
def test_nothing_that_was_acknowledged_is_lost_by_a_kill(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "store.sqlite3"
    prepare(path)
    source = str(Path(roundel.__file__).parent.parent)
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), source], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        heard = [process.stdout.readline().strip() for _ in range(acknowledged)]
        os.kill(process.pid, signal.SIGKILL)
        heard += process.stdout.read().split()[:-1]  # the last line may be cut off

    connection = sqlite3.connect(path)
    kept = {row[0] for row in connection.execute("SELECT text FROM document")}
    verdict = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    assert set(heard) <= kept
    assert verdict == [("ok",)]
