"""What differs between databases; everything else in the store is plain, portable SQL.

Statements are written with named parameters (`:name`), which SQLite takes as they are.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = tuple[Any, ...]

BEGIN_WRITE = "BEGIN IMMEDIATE"  # take the write lock at once: a later upgrade could fail busy
SKIP_LOCKED = ""  # PostgreSQL: FOR UPDATE SKIP LOCKED; SQLite has one writer anyway

BUSY_SECONDS = 10.0  # only a backup or a person with a shell can hold the lock against us
STATEMENTS_KEPT = 512  # prepared statements per connection; we have about a hundred

# A page cache of 16 MiB for the writer and 4 for each reader: the hot pages of the queue and of
# the newest pipelines fit, and an idle server stays small.
_WRITER_CACHE_KIB = 16 * 1024
_READER_CACHE_KIB = 4 * 1024


class Sql:
    """A connection that runs statements with named parameters."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def one(self, statement: str, **values: object) -> Row | None:
        """Return the first row, if any."""
        row: Row | None = self._connection.execute(statement, values).fetchone()
        return row

    def all(self, statement: str, **values: object) -> list[Row]:
        """Return all rows."""
        return self._connection.execute(statement, values).fetchall()

    def run(self, statement: str, **values: object) -> int:
        """Run a statement that changes rows; return how many it changed."""
        return self._connection.execute(statement, values).rowcount

    def each(self, statement: str, rows: Sequence[dict[str, object]]) -> None:
        """Run a statement once for each of `rows`."""
        self._connection.executemany(statement, rows)


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the one connection that writes; a commit is on the disk when it returns."""
    connection = _connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}")
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that only reads; it sees what was committed when its read began."""
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")
    connection.execute(f"PRAGMA cache_size = -{_READER_CACHE_KIB}")
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        path,
        timeout=BUSY_SECONDS,
        isolation_level=None,  # we say BEGIN and COMMIT ourselves
        check_same_thread=False,  # closed by the thread that opens the store, after its user ended
        cached_statements=STATEMENTS_KEPT,
    )


def placeholders(name: str, values: Sequence[object]) -> tuple[str, dict[str, object]]:
    """Return `:name0, :name1, …` for an IN list, and the parameters that it needs."""
    named = {f"{name}{index}": value for index, value in enumerate(values)}
    return ", ".join(f":{key}" for key in named), named
