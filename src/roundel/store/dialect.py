"""What differs between databases; everything else in the store is plain, portable SQL.

Statements are written with named parameters (`:name`) and in SQLite's words, which it takes as
they are; `for_postgres` and `schema_for_postgres` say the same to PostgreSQL.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

Row: TypeAlias = tuple[Any, ...]
T = TypeVar("T")

BEGIN_WRITE = "BEGIN IMMEDIATE"  # take the write lock at once: a later upgrade could fail busy
# What stands in such a comment is meant for PostgreSQL alone.
SKIP_LOCKED = "/*pg FOR UPDATE SKIP LOCKED */"

BUSY_SECONDS = 10.0  # only a backup or a person with a shell can hold the lock against us
STATEMENTS_KEPT = 512  # prepared statements per connection; we have about a hundred

# A page cache of 16 MiB for the writer and 4 for each reader: the hot pages of the queue and of
# the newest pipelines fit, and an idle server stays small.
_WRITER_CACHE_KIB = 16 * 1024
_READER_CACHE_KIB = 4 * 1024


class Cursor(Protocol):
    """The rows of a statement, as both drivers give them."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class Connection(Protocol):
    """What `Sql` needs of a driver's connection."""

    def execute(self, statement: str, values: Mapping[str, object], /) -> Cursor: ...
    def executemany(self, statement: str, rows: Iterable[Mapping[str, object]], /) -> object: ...


class Sql:
    """A connection that runs statements with named parameters."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def one(self, statement: str, **values: object) -> Row | None:
        """Return the first row, if any."""
        row: Row | None = self._connection.execute(statement, values).fetchone()
        return row

    def all(self, statement: str, **values: object) -> list[Row]:
        """Return all rows."""
        return self._connection.execute(statement, values).fetchall()

    def kept(self, statement: str, **values: object) -> list[Row]:
        """Return all rows of tables that seldom change, perhaps as an earlier call saw them.

        Who writes remembers them to the end of its transaction, or until such a table changes.
        """
        return self.all(statement, **values)

    def run(self, statement: str, **values: object) -> int:
        """Run a statement that changes rows; return how many it changed."""
        return self._connection.execute(statement, values).rowcount

    def put(self, statement: str, **values: object) -> None:
        """Run a statement that changes rows, however many; its failure may be told by the next."""
        self._connection.execute(statement, values)

    def each(self, statement: str, rows: Sequence[dict[str, object]]) -> None:
        """Run a statement once for each of `rows`; a failure may be told by the next."""
        self._connection.executemany(statement, rows)


# What is deleted from these takes nothing of other tables with it.
_CHILDLESS = frozenset({"failure_streak", "outbox", "rollup", "timer"})
_READS = re.compile(r"\b(?:FROM|JOIN) ([a-z_]+)")
_CHANGES = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM) ([a-z_]+)")


@lru_cache(maxsize=256)
def _tables_read(statement: str) -> frozenset[str]:
    return frozenset(_READS.findall(statement))


@lru_cache(maxsize=2048)
def _tables_changed(statement: str) -> frozenset[str] | None:
    """Return the tables that a statement may change rows of; None for any."""
    changes = _CHANGES.findall(statement)
    if any(verb == "DELETE FROM" and table not in _CHILDLESS for verb, table in changes):
        return None
    return frozenset(table for _, table in changes)


class KeepingSql(Sql):
    """The statements of who writes; nobody else changes anything until its transaction ends."""

    __slots__ = ("_rows",)

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._rows: dict[frozenset[str], dict[tuple[object, ...], list[Row]]] = {}  # by tables

    def kept(self, statement: str, **values: object) -> list[Row]:
        """Return all rows, as an earlier call of this transaction saw them if there was one."""
        answers = self._rows.setdefault(_tables_read(statement), {})
        key = (statement, *values.values())
        rows = answers.get(key)
        if rows is None:
            rows = answers[key] = self.all(statement, **values)
        return rows

    def forget(self) -> None:
        """Remember no rows any more: the transaction ends, or a part of it is undone."""
        self._rows.clear()

    def one(self, statement: str, **values: object) -> Row | None:
        """Return the first row, if any."""
        self._notice(statement)
        return super().one(statement, **values)

    def all(self, statement: str, **values: object) -> list[Row]:
        """Return all rows."""
        self._notice(statement)
        return super().all(statement, **values)

    def run(self, statement: str, **values: object) -> int:
        """Run a statement that changes rows; return how many it changed."""
        self._notice(statement)
        return super().run(statement, **values)

    def put(self, statement: str, **values: object) -> None:
        """Run a statement that changes rows, however many; its failure may be told by the next."""
        self._notice(statement)
        super().put(statement, **values)

    def each(self, statement: str, rows: Sequence[dict[str, object]]) -> None:
        """Run a statement once for each of `rows`; a failure may be told by the next."""
        self._notice(statement)
        super().each(statement, rows)

    def _notice(self, statement: str) -> None:
        if not self._rows:
            return
        changed = _tables_changed(statement)
        if changed is None:
            self._rows.clear()
        elif changed:
            self._rows = {it: rows for it, rows in self._rows.items() if it.isdisjoint(changed)}


def connect_writer(path: Path, *, durable: bool = True) -> sqlite3.Connection:
    """Open the one connection that writes; a commit is on the disk when it returns.

    Not `durable`, the last commits may be lost when the machine dies, but nothing is damaged.
    """
    connection = _connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
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


_AT_ONCE = 512  # values of one statement


def in_pieces(values: Sequence[T]) -> Iterator[list[T]]:
    """Yield values for IN lists, filled up to powers of two, so that few statements are made."""
    for start in range(0, len(values), _AT_ONCE):
        some = list(values[start : start + _AT_ONCE])
        yield some + some[-1:] * ((1 << (len(some) - 1).bit_length()) - len(some))


def like(column: str, name: str) -> str:
    """Return the condition that a text column has `:name` in it, whatever its case."""
    return f"lower({column}) LIKE :{name} ESCAPE '!'"


def inside(text: str) -> str:
    """Return what the parameter of `like` is for a text, in which nothing is a wildcard."""
    escaped = "".join(f"!{letter}" if letter in "!%_" else letter for letter in text.lower())
    return f"%{escaped}%"


_PIECES = re.compile(r"('(?:[^']|'')*')|/\*pg (.*?)\*/|(?<!:):([a-z_][a-z0-9_]*)", re.DOTALL)


@lru_cache(maxsize=1024)
def for_postgres(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """Return a statement with what is meant for PostgreSQL alone, and `$1`, `$2`, … for its names.

    The names are in the order of these numbers, each once.
    """
    numbers: dict[str, int] = {}

    def said(found: "re.Match[str]") -> str:
        text, own, name = found.groups()
        if name is not None:
            return f"${numbers.setdefault(name, len(numbers) + 1)}"
        return str(own if text is None else text)

    return _PIECES.sub(said, statement).encode(), tuple(numbers)


def schema_for_postgres(text: str) -> str:
    """Return table definitions in PostgreSQL's words.

    Texts compare byte by byte, as SQLite's do, whatever language the database was made for.
    """
    text = re.sub(r"\bTEXT\b", 'TEXT COLLATE "C"', text)
    return re.sub(r"\bBLOB\b", "BYTEA", text)
