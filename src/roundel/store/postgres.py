"""The PostgreSQL database: writers one after another over all servers, a few readers, wake-ups.

Only one transaction writes at any time, as on SQLite: each group of calls takes one advisory lock
for its length.  So the use cases, which are written for one writer, mean the same here, nothing
has to be run again for a conflict, and the cost of a commit is shared by the group
(docs/decisions, 0020).
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from roundel.domain.ids import new_id
from roundel.store.dialect import KeepingSql, Sql
from roundel.store.postgres_link import CHANNEL, PostgresLink, connect
from roundel.store.transaction import Transaction
from roundel.store.wakeups import LocalWakeups
from roundel.store.writer import Fate, StoreUnavailable, Writer

T = TypeVar("T")

READERS = 4
PATIENCE_SECONDS = 30.0  # a database that is restarted is back by then; then callers hear of it
NOTE_BYTES = 7000  # PostgreSQL takes notifications of less than 8000 bytes

# One number for all servers of a database: who holds it, writes.
_WRITE_LOCK = 0x726F756E64656C
_BEGIN = ("BEGIN", f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})", "SAVEPOINT call")
_MARK = ("RELEASE call", "SAVEPOINT call")
# Its own statement in each transaction that changes anything.  The id of a transaction would not
# do: after a crash PostgreSQL gives it to another, if nothing of the first had reached the disk.
_SIGN = (
    "INSERT INTO write_mark (writer, serial, day) VALUES (:writer, :serial, :day)"
    " ON CONFLICT (writer) DO UPDATE SET serial = excluded.serial, day = excluded.day"
)
_FORGET = "DELETE FROM write_mark WHERE day < {day};"
_NOTIFY = "SELECT pg_notify(:channel, :note)"
_KEPT_DAYS = 7
_TRANSIENT = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.QueryCanceled,
    errors.DiskFull,
    errors.OutOfMemory,
)
# Of a connection that is of no use any more; to a standby, which another took the place of, too.
_BROKEN = (psycopg.OperationalError, errors.ReadOnlySqlTransaction)

log = logging.getLogger(__name__)


class PostgresDatabase:
    """Implements `database.Database`, with the wake-ups of all servers on the same database."""

    def __init__(self, url: str, wakeups: LocalWakeups) -> None:
        self._url = url
        session = PostgresSession(url)
        self._listener = Listener(url, wakeups)
        self._writer = Writer(session, wakeups, patience_seconds=PATIENCE_SECONDS)
        self._local = threading.local()
        self._reading: list[PostgresLink] = []
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._closed = False

    async def write(self, fn: Callable[[Transaction], T]) -> T:
        """Run `fn` in one transaction; return its value once that is durable."""
        self._listener.serve(asyncio.get_running_loop())
        return await self._writer.write(fn)

    async def read(self, fn: Callable[[Sql], T]) -> T:
        """Run `fn` on a reader; everything that it reads is of one moment."""
        loop = asyncio.get_running_loop()
        self._listener.serve(loop)
        return await loop.run_in_executor(self._readers, self._read, fn)

    async def glance(self, fn: Callable[[Sql], T]) -> T:
        """Run `fn` as `read` does: the database is elsewhere, and the way there takes time."""
        return await self.read(fn)

    def state(self) -> int | None:
        """Say that it is not known: to ask would cost what reading does."""
        return None

    def close(self) -> None:
        """Finish what was asked for and close all connections."""
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        self._listener.close()
        self._readers.shutdown()
        for link in self._reading:
            link.close()

    def _read(self, fn: Callable[[Sql], T]) -> T:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._read_once(fn)
            except psycopg.Error as error:
                lost = isinstance(error, psycopg.OperationalError)
                if not lost:
                    raise
                if time.monotonic() > give_up or self._closed:
                    raise StoreUnavailable(f"the database does not answer: {error}") from error
            time.sleep(0.2)

    def _read_once(self, fn: Callable[[Sql], T]) -> T:
        link: PostgresLink | None = getattr(self._local, "link", None)
        if link is None or link.connection.closed:
            link = self._local.link = PostgresLink(connect(self._url))
            self._reading.append(link)
        link.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            return fn(Sql(link))
        finally:
            link.withdraw()
            if not (link.connection.closed or link.unbegun):
                link.script("ROLLBACK")


class PostgresSession:
    """Implements `writer.Session`.  A connection that broke is made anew."""

    error = psycopg.Error

    def __init__(self, url: str) -> None:
        self._url = url
        self._link: PostgresLink | None = None
        self._sql: _PostgresSql | None = None
        self._writer = new_id()
        self._serial = 0
        self._committing = False

    def begin(self) -> None:
        """Wait for our turn to write, begin, and mark the start."""
        self._committing = False
        if self._link is None:
            self._link = PostgresLink(connect(self._url))
            self._sql = _PostgresSql(self._link)
            self._link.script(_FORGET.format(day=_today() - _KEPT_DAYS))
        self.sql().forget()
        self._link.begin(*_BEGIN)
        self._link.changed = False

    def sql(self) -> KeepingSql:
        """Return the connection in the words of repositories."""
        if self._link is None or self._sql is None:
            raise psycopg.OperationalError("there is no connection")
        return self._sql

    def mark(self) -> None:
        """Remember this point; the one before is forgotten."""
        link = self._open()
        doubtful = link.waits  # what waits may fail, and the call that it is of must hear so
        link.say(*_MARK)
        if doubtful:
            link.settle()

    def undo(self) -> None:
        """Go back to the mark."""
        self.sql().forget()
        link = self._open()
        for first in (_BEGIN, _MARK):  # the mark itself may not have been sent yet
            if link.waits_with(*first):
                link.withdraw(len(first))
                return
        link.withdraw()
        link.script("ROLLBACK TO call")

    def broken(self, error: Exception) -> bool:
        """The connection is gone, or the whole transaction is to be run again."""
        connection = self._open().connection
        status = connection.info.transaction_status
        usable = self._open().begins or status in (
            TransactionStatus.INTRANS,
            TransactionStatus.INERROR,
        )
        cut = isinstance(error, psycopg.OperationalError) and error.sqlstate is None
        again = isinstance(error, (*_TRANSIENT, errors.ReadOnlySqlTransaction))
        return not usable or cut or again

    def commit(self, topics: set[str]) -> None:
        """Make it durable, and notify all servers of what was named."""
        link = self._open()
        changed = link.changed
        for note in packed(topics):
            link.later(_NOTIFY, {"channel": CHANNEL, "note": note})
        if changed:
            self._serial += 1
            self._committing = True
            sign = {"writer": self._writer, "serial": self._serial, "day": _today()}
            link.later(_SIGN, sign)
        link.say("COMMIT")
        link.settle()
        self._committing = False

    def fate(self, error: Exception) -> Fate:
        """Find out by our mark, where only the answer to the commit was lost."""
        link = self._link
        if link is not None and not link.connection.closed:
            link.withdraw()
            cause = error.__cause__ or error
            if isinstance(cause, _TRANSIENT):
                link.script("ROLLBACK")
                return Fate.AGAIN
            if not isinstance(cause, _BROKEN):
                link.script("ROLLBACK")
                return Fate.LOST
            link.close()
        self._link = None
        return self._doubtful() if self._committing else Fate.AGAIN

    def _doubtful(self) -> Fate:
        """Look for our mark; to have the lock is to know that the transaction is over."""
        with connect(self._url) as connection:
            for statement in _BEGIN:
                connection.execute(statement.encode())
            statement = "SELECT serial FROM write_mark WHERE writer = %s"
            row = connection.execute(statement, [self._writer]).fetchone()
            connection.execute("ROLLBACK")
        return Fate.KEPT if row is not None and row[0] == self._serial else Fate.AGAIN

    def close(self) -> None:
        if self._link is not None:
            self._link.close()

    def _open(self) -> PostgresLink:
        if self._link is None:
            raise psycopg.OperationalError("there is no connection")
        return self._link


class _PostgresSql(KeepingSql):
    """Statements whose answer nobody asks for travel with the next."""

    __slots__ = ("_link",)

    def __init__(self, link: PostgresLink) -> None:
        super().__init__(link)
        self._link = link

    def put(self, statement: str, **values: object) -> None:
        """Run a statement that changes rows, however many; its failure may be told by the next."""
        self._notice(statement)
        self._link.later(statement, values)


def _today() -> int:
    return int(time.time()) // 86400


def packed(topics: set[str]) -> list[str]:
    """Return the topics in as few notifications as they fit in."""
    notes: list[str] = []
    for topic in sorted(topics):
        if notes and len(notes[-1]) + len(topic) < NOTE_BYTES:
            notes[-1] += f"\n{topic}"
        else:
            notes.append(topic)
    return notes


class Listener:
    """Hears what was notified by any server, and wakes who waits for it here."""

    def __init__(self, url: str, wakeups: LocalWakeups) -> None:
        self._url = url
        self._wakeups = wakeups
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._forever, name="store-listener", daemon=True)
        self._thread.start()

    def serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake on this loop from now on."""
        self._loop = loop

    def close(self) -> None:
        self._ended.set()
        try:
            with connect(self._url) as connection:
                connection.execute(f"NOTIFY {CHANNEL}")
        except psycopg.Error:
            pass  # then the listener has no connection either
        self._thread.join(5)  # what it carries are hints: nothing is lost with it

    def _forever(self) -> None:
        missed = False
        while not self._ended.is_set():
            try:
                with connect(self._url) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    if self._ended.is_set():
                        return
                    if missed:
                        self._wake(None)  # whatever was notified while nobody listened
                    for note in connection.notifies():
                        if self._ended.is_set():
                            return
                        self._wake(note.payload.split("\n"))
            except psycopg.Error as error:
                log.warning("no wake-ups: %s", error, extra={"event": "listener-lost"})
                missed = True
                self._ended.wait(0.5)

    def _wake(self, topics: list[str] | None) -> None:
        loop = self._loop
        if loop is None:
            return
        try:
            if topics is None:
                loop.call_soon_threadsafe(self._wakeups.wake_all)
            else:
                loop.call_soon_threadsafe(self._wakeups.wake, topics)
        except RuntimeError:  # that loop is closed: nobody waits there any more
            self._loop = None
