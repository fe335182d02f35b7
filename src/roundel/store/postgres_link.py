"""Connections to PostgreSQL that speak our statements.

They use libpq as the driver exposes it, without its cursors: those cost more than most of our
statements do.  What nobody waits for the answer of travels together with the next that somebody
does, in one journey (libpq's pipeline mode).
"""

import select
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from psycopg import errors
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, TransactionStatus

from roundel.store.dialect import Row, for_postgres

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

CHANNEL = "roundel"
CONNECT_SECONDS = 5
# A server that stops in the middle of a transaction must not keep the others from writing.
_OPTIONS = "-c idle_in_transaction_session_timeout=20s -c statement_timeout=60s -c TimeZone=UTC"
_MOST_PREPARED = 512  # statements; the next transaction forgets them, and prepares anew
_INT8, _BYTEA, _ANY = 20, 17, 0  # as the catalogue of types numbers them
_TEXT, _BINARY = 0, 1  # as the protocol calls how a value is written


def connect(url: str) -> "psycopg.Connection[tuple[Any, ...]]":
    """Open a connection on which we say BEGIN and COMMIT ourselves."""
    return psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
        application_name="roundel",
        options=_OPTIONS,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
    )


class _Order(NamedTuple):
    """A statement with its values, as they travel."""

    query: bytes
    name: bytes | None  # of the prepared statement, if it is one
    values: list[bytes | None]
    types: tuple[int, ...]
    formats: list[int]


class _Answer:
    """Implements `dialect.Cursor`: all rows of a statement."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Row], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def fetchone(self) -> Row | None:
        return self._rows[0] if self._rows else None

    def fetchall(self) -> list[Row]:
        return self._rows


class PostgresLink:
    """Implements `dialect.Connection` on a connection, which one thread uses."""

    def __init__(self, connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
        self.connection = connection
        self.changed = False  # whether a statement has changed anything since this was cleared
        self._pg = connection.pgconn
        self._encoding = connection.info.encoding
        self._reading = Transformer.from_context(connection)
        self._prepared: dict[tuple[bytes, tuple[int, ...]], bytes | None] = {}
        self._names = 0
        self._waiting: list[_Order] = []
        self._socket = select.poll()
        self._socket.register(self._pg.socket, select.POLLIN)

    @property
    def unbegun(self) -> bool:
        """Whether nothing of a transaction has been sent yet."""
        return self._pg.transaction_status == TransactionStatus.IDLE

    @property
    def waits(self) -> bool:
        """Whether statements wait to be sent."""
        return bool(self._waiting)

    @property
    def begins(self) -> bool:
        """Whether a transaction waits to be begun."""
        return self.unbegun and self.waits

    def waits_with(self, *statements: str) -> bool:
        """Tell whether these are the first of what waits."""
        first = [order.query for order in self._waiting[: len(statements)]]
        return first == [statement.encode() for statement in statements]

    def execute(self, statement: str, values: Mapping[str, object], /) -> _Answer:
        """Run a statement of ours, behind those that wait."""
        order = self._order(statement, values)
        if self._waiting:
            self._waiting.append(order)
            result = self._send_waiting()[-1]
        else:
            result = self._send(order)
        rows: list[Row] = []
        if result.status == ExecStatus.TUPLES_OK:
            self._reading.set_pgresult(result)
            rows = self._reading.load_rows(0, result.ntuples, tuple)
        count = result.command_tuples or 0
        self.changed |= count != 0 and not statement.startswith("SELECT")
        return _Answer(rows, count)

    def executemany(self, statement: str, rows: Iterable[Mapping[str, object]], /) -> object:
        """Run a statement of ours once for each of `rows`, when the next answer is asked for."""
        orders = [self._order(statement, row) for row in rows]
        self._waiting += orders
        self.changed |= bool(orders)
        return None

    def later(self, statement: str, values: Mapping[str, object], /) -> None:
        """Run a statement of ours when the next answer is asked for."""
        self._waiting.append(self._order(statement, values))
        self.changed = True

    def begin(self, *statements: str) -> None:
        """Let a transaction begin with the next answer that is asked for."""
        if len(self._prepared) >= _MOST_PREPARED:  # nothing waits now that names one of them
            self._checked([self._pg.exec_(b"DEALLOCATE ALL")])
            self._prepared.clear()
        self.say(*statements)

    def say(self, *statements: str) -> None:
        """Put statements that change no rows behind those that wait."""
        self._waiting += [self._order(statement, {}) for statement in statements]

    def settle(self) -> None:
        """Run what waits."""
        if self._waiting:
            self._send_waiting()

    def withdraw(self, after: int = 0) -> None:
        """Forget what waits, but for the first of it."""
        del self._waiting[after:]

    def script(self, statements: str) -> None:
        """Run what waits, then statements without values in one journey."""
        self.settle()
        self._checked([self._pg.exec_(statements.encode())])

    def close(self) -> None:
        self.connection.close()

    def _order(self, statement: str, values: Mapping[str, object]) -> _Order:
        query, names = for_postgres(statement)
        written: list[bytes | None] = []
        types: list[int] = []
        formats: list[int] = []
        for name in names:
            value = values[name]
            kind, how, said = _ANY, _TEXT, None
            if isinstance(value, str):
                said = self._text(value)
            elif isinstance(value, int):  # all have one type, so that a statement is prepared once
                kind, said = _INT8, b"%d" % value
            elif isinstance(value, (bytes, bytearray, memoryview)):
                kind, how, said = _BYTEA, _BINARY, bytes(value)
            elif value is not None:
                said = str(value).encode()
            written.append(said)
            types.append(kind)
            formats.append(how)
        return _Order(query, self._name_of(query, tuple(types)), written, tuple(types), formats)

    def _text(self, value: str) -> bytes:
        # PostgreSQL's texts have no zero bytes; ours may, and show them as what cannot be shown.
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(self._encoding)

    def _name_of(self, query: bytes, types: tuple[int, ...]) -> bytes | None:
        """Return the name of a prepared statement; at its first use there is none."""
        key = (query, types)
        if key not in self._prepared:
            self._prepared[key] = None
            return None
        name = self._prepared[key]
        if name is None:
            self._names += 1
            name = b"r%d" % self._names
            self._checked([self._pg.prepare(name, query, types)])
            self._prepared[key] = name
        return name

    def _send(self, order: _Order) -> "PGresult":
        query, name, values, types, formats = order
        if name is None:
            return self._checked([self._pg.exec_params(query, values, types, formats)])[0]
        # A value that is None is NULL here as well, whatever the stub says.
        result = self._pg.exec_prepared(name, values, formats)  # type: ignore[arg-type]
        return self._checked([result])[0]

    def _send_waiting(self) -> "list[PGresult]":
        """Send all that waits and return the answers; raise what the first failure is."""
        orders, self._waiting = self._waiting, []
        pg = self._pg
        pg.enter_pipeline_mode()
        try:
            for query, name, values, types, formats in orders:
                if name is None:
                    pg.send_query_params(query, values, types, formats)
                else:
                    pg.send_query_prepared(name, values, formats)
            pg.pipeline_sync()
            results = self._answers()
        finally:
            if pg.status == ConnStatus.OK:
                pg.exit_pipeline_mode()
        return self._checked(results)

    def _answers(self) -> "list[PGresult]":
        """Return what comes until the end of the pipeline."""
        pg = self._pg
        results: list[PGresult] = []
        while True:
            unsent = pg.flush()
            while unsent or pg.is_busy():
                self._socket.modify(pg.socket, select.POLLIN | (select.POLLOUT if unsent else 0))
                self._socket.poll()
                pg.consume_input()
                unsent = pg.flush()
            result = pg.get_result()
            if result is None:  # the end of one statement's answer
                if pg.status != ConnStatus.OK:
                    raise psycopg.OperationalError(pg.get_error_message())
                continue
            if result.status == ExecStatus.PIPELINE_SYNC:
                return results
            results.append(result)

    def _checked(self, results: "list[PGresult]") -> "list[PGresult]":
        for result in results:
            if result.status == ExecStatus.FATAL_ERROR:
                # What the database refuses has a code; libpq's own words are of a connection that
                # broke, which it may not have marked as such yet.
                coded = result.error_field(DiagnosticField.SQLSTATE) is not None
                if self._pg.status != ConnStatus.OK or not coded:
                    raise psycopg.OperationalError(result.get_error_message(self._encoding))
                raise errors.error_from_result(result, self._encoding)
        return results
