"""The rows of a PostgreSQL database as files, and back."""

import io
from collections.abc import Iterator
from graphlib import TopologicalSorter
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from roundel.store.backup import CannotRestore
from roundel.store.postgres_link import connect
from roundel.store.postgres_schema import prepare_postgres, shown

# What a database says of itself alone, and what the migration tool keeps beside our tables.
_NOT_OURS = ("schema_version", "write_mark", "replica")

_REFERENCES = (
    "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint"
    " WHERE contype = 'f' AND connamespace = 'public'::regnamespace"
)
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


def dump_tables(url: str) -> Iterator[tuple[str, bytes]]:
    """Yield each table's name and rows as of one moment; what others refer to comes first."""
    with connect(url) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute("SET LOCAL statement_timeout = 0")
        for name in _in_order(connection):
            rows = io.BytesIO()
            statement = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(name))
            with connection.cursor().copy(statement) as copy:
                for piece in copy:
                    rows.write(piece)
            yield name, rows.getvalue()


def _in_order(connection: "psycopg.Connection[Any]") -> list[str]:
    names = {
        name
        for (name,) in connection.execute(_TABLES).fetchall()
        if name not in _NOT_OURS and "yoyo" not in name
    }
    graph: dict[str, set[str]] = {name: set() for name in names}
    for table, other in connection.execute(_REFERENCES).fetchall():
        if table in names and table != other:
            graph[table].add(other)
    return list(TopologicalSorter(graph).static_order())


class Restoration:
    """One transaction that fills an empty database; nothing of it stays if it breaks off."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> Self:
        prepare_postgres(self._url)
        self._connection = connect(self._url)
        found = self._connection.execute("SELECT 1 FROM person LIMIT 1").fetchone()
        if found is not None:
            self._connection.close()
            raise CannotRestore(f"{shown(self._url)} is in use: restore into an empty database")
        self._connection.execute("BEGIN")
        self._connection.execute("SET LOCAL statement_timeout = 0")
        return self

    def add(self, table: str, data: "io.BufferedIOBase") -> None:
        """Fill one table."""
        statement = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))
        with self._connection.cursor().copy(statement) as copy:
            while piece := data.read(1 << 20):
                copy.write(piece)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._connection.execute("COMMIT" if error is None else "ROLLBACK")
        finally:
            self._connection.close()
