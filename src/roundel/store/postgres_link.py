"""Connections to PostgreSQL that speak our statements."""

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumperUnknown

from roundel.store.dialect import Cursor, for_postgres

CHANNEL = "roundel"
CONNECT_SECONDS = 5
# A server that stops in the middle of a transaction must not keep the others from writing.
_OPTIONS = "-c idle_in_transaction_session_timeout=20s -c statement_timeout=60s -c TimeZone=UTC"


class _TextDumper(StrDumperUnknown):
    """PostgreSQL's texts have no zero bytes; ours may, and show them as what cannot be shown."""

    def dump(self, obj: str) -> Any:
        if "\0" in obj:
            obj = obj.replace("\0", "\N{REPLACEMENT CHARACTER}")
        return super().dump(obj)


class _WholeDumper(Int8Dumper):
    """All our numbers have one type, so that a statement is prepared once."""


def connect(url: str) -> "psycopg.Connection[tuple[Any, ...]]":
    """Open a connection on which we say BEGIN and COMMIT ourselves."""
    connection = psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
        application_name="roundel",
        options=_OPTIONS,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
    )
    connection.adapters.register_dumper(str, _TextDumper)
    connection.adapters.register_dumper(int, _WholeDumper)
    connection.prepared_max = 512
    return connection


class PostgresLink:
    """Implements `dialect.Connection` on a connection, which one thread uses."""

    def __init__(self, connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
        self.connection = connection
        # One for all statements: whoever asks takes the whole answer before the next is asked.
        self._cursor = psycopg.RawCursor(connection)
        self.changed = False  # whether a statement has changed anything since this was cleared

    def execute(self, statement: str, values: Mapping[str, object], /) -> Cursor:
        """Run a statement of ours."""
        query, names = for_postgres(statement)
        cursor = self._cursor.execute(query, [values[name] for name in names])
        self.changed |= cursor.rowcount != 0 and not statement.startswith("SELECT")
        return cursor

    def executemany(self, statement: str, rows: Iterable[Mapping[str, object]], /) -> object:
        """Run a statement of ours once for each of `rows`, all on their way at once."""
        query, names = for_postgres(statement)
        values = [[row[name] for name in names] for row in rows]
        if values:
            self.changed = True
            self._cursor.executemany(query, values)
        return None

    def script(self, statements: str) -> None:
        """Run statements without values in one journey."""
        self._cursor.execute(statements.encode(), prepare=False)

    def close(self) -> None:
        self.connection.close()
