"""The SQLite database: one writer thread with group commit, and a few readers."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from roundel.store.dialect import BEGIN_WRITE, KeepingSql, Sql, connect_reader, connect_writer
from roundel.store.transaction import Transaction
from roundel.store.wakeups import LocalWakeups
from roundel.store.writer import Fate, StoreUnavailable, Writer

__all__ = ["Database", "SqliteDatabase", "StoreUnavailable"]

T = TypeVar("T")

READERS = 3  # more only take turns at the interpreter lock

# What ails the file or the machine, not the statement: whoever asked may ask again later.
_AILING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
}


class Database(Protocol):
    """Where transactions and reads run.  `close` waits for what has been asked for."""

    async def write(self, fn: Callable[[Transaction], T]) -> T:
        """Run `fn` in one transaction; return its value once that is durable."""

    async def read(self, fn: Callable[[Sql], T]) -> T:
        """Run `fn` on a reader; everything that it reads is of one moment."""

    async def glance(self, fn: Callable[[Sql], T]) -> T:
        """The same for a few rows by their keys: it may be run where it was asked for."""

    def state(self) -> int | None:
        """Return a number that is another one once anything was written; None if nobody knows.

        It is asked for by one thread, and what that or any other reads later is not older.
        """

    def close(self) -> None: ...


class SqliteDatabase:
    """Implements `Database` on one file."""

    def __init__(self, path: Path, wakeups: LocalWakeups, *, durable: bool = True) -> None:
        self._path = path
        self._writer = Writer(SqliteSession(connect_writer(path, durable=durable)), wakeups)
        self._local = threading.local()
        self._reading: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")

    async def write(self, fn: Callable[[Transaction], T]) -> T:
        """Run `fn` in one transaction; return its value once that is durable."""
        return await self._writer.write(fn)

    async def read(self, fn: Callable[[Sql], T]) -> T:
        """Run `fn` on a reader; everything that it reads is of one moment."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, fn)

    async def glance(self, fn: Callable[[Sql], T]) -> T:
        """Run `fn` here and now.

        A row by its key takes 20 us, and handing the question to another thread ten times that
        on a busy server.  Readers of a write-ahead log wait for nobody.
        """
        return self._read(fn)

    def state(self) -> int | None:
        """Return what SQLite counts up for a connection when another has written, anywhere."""
        version: int = self._reader().execute("PRAGMA data_version").fetchone()[0]
        return version

    def close(self) -> None:
        """Finish what was asked for and close all connections."""
        self._writer.close()
        self._readers.shutdown()
        while self._reading:
            self._reading.pop().close()

    def _read(self, fn: Callable[[Sql], T]) -> T:
        connection = self._reader()
        connection.execute("BEGIN")
        try:
            return fn(Sql(connection))
        finally:
            connection.execute("COMMIT")

    def _reader(self) -> sqlite3.Connection:
        """Return this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect_reader(self._path)
            self._reading.append(connection)
        return connection


class SqliteSession:
    """Implements `writer.Session`.  What SQLite refuses once it would refuse again."""

    error = sqlite3.Error

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._sql = KeepingSql(connection)

    def begin(self) -> None:
        """Take the write lock, and mark the start."""
        self._sql.forget()
        self._connection.execute(BEGIN_WRITE)
        self._connection.execute("SAVEPOINT call")

    def sql(self) -> Sql:
        return self._sql

    def mark(self) -> None:
        """Remember this point; the one before is forgotten."""
        self._connection.execute("RELEASE call")
        self._connection.execute("SAVEPOINT call")

    def undo(self) -> None:
        """Go back to the mark."""
        self._sql.forget()
        self._connection.execute("ROLLBACK TO call")

    def broken(self, error: Exception) -> bool:
        """Disk full, read-only, an I/O error: SQLite may or may not have ended the transaction."""
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF  # without its details
        return code in _AILING or not self._connection.in_transaction

    def commit(self, topics: set[str]) -> None:  # noqa: ARG002 - no other process writes
        """Make it durable."""
        self._connection.execute("COMMIT")

    def fate(self, error: Exception) -> Fate:  # noqa: ARG002 - all of them are final
        """Nothing was kept."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        return Fate.LOST

    def close(self) -> None:
        self._connection.close()
