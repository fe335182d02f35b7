"""The SQLite database: one writer thread with group commit, and a few readers.

A call is one synchronous function on a transaction.  Calls that wait at the same time share one
commit, each inside a savepoint of its own, so that one that fails takes nothing of the others
with it.  A caller hears of its success only after the group's commit.  No statement may use
`OR ROLLBACK`: it would end the whole group.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Generic, TypeVar

from roundel.store.dialect import BEGIN_WRITE, Sql, connect_reader, connect_writer
from roundel.store.transaction import Transaction
from roundel.store.wakeups import LocalWakeups

T = TypeVar("T")

GROUP = 64  # calls per commit at most: bounds how long the first of them waits
READERS = 3  # more only take turns at the interpreter lock

log = logging.getLogger(__name__)


class StoreUnavailable(Exception):
    """The database could not keep what it was given; nothing of the call was kept."""


class _Call(Generic[T]):
    """One function to run, and the future of the loop that waits for its value."""

    __slots__ = ("error", "fn", "future", "loop", "topics", "value")

    def __init__(
        self,
        fn: Callable[[Transaction], T],
        loop: asyncio.AbstractEventLoop,
        future: "asyncio.Future[T]",
    ) -> None:
        self.fn = fn
        self.loop = loop
        self.future = future
        self.value: T
        self.error: BaseException | None = None
        self.topics: set[str] = set()

    def settle(self) -> None:
        """Tell the caller; runs on its loop, after the group's commit."""
        if self.future.cancelled():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.value)


class SqliteDatabase:
    """Where transactions and reads run.  `close` waits for what has been asked for."""

    def __init__(self, path: Path, wakeups: LocalWakeups) -> None:
        self._path = path
        self._wakeups = wakeups
        self._calls: queue.SimpleQueue[_Call[object] | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_forever, name="store-writer")
        self._connection = connect_writer(path)
        self._local = threading.local()
        self._reading: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._closed = False
        self._writer.start()

    async def write(self, fn: Callable[[Transaction], T]) -> T:
        """Run `fn` in one transaction; return its value once that is durable."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        call: _Call[T] = _Call(fn, loop, loop.create_future())
        self._calls.put(call)  # type: ignore[arg-type]  # the value's type is the caller's affair
        return await call.future

    async def read(self, fn: Callable[[Sql], T]) -> T:
        """Run `fn` on a reader; everything that it reads is of one moment."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, fn)

    def close(self) -> None:
        """Finish what was asked for and close all connections."""
        if self._closed:
            return
        self._closed = True
        self._calls.put(None)
        self._writer.join()
        self._readers.shutdown()
        for connection in self._reading:
            connection.close()
        self._connection.close()

    def _read(self, fn: Callable[[Sql], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect_reader(self._path)
            self._reading.append(connection)
        connection.execute("BEGIN")
        try:
            return fn(Sql(connection))
        finally:
            connection.execute("COMMIT")

    def _write_forever(self) -> None:
        while (call := self._calls.get()) is not None:
            group = [call]
            more = True
            try:
                self._connection.execute(BEGIN_WRITE)
                more = self._run_group(group)
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._fail_group(group, error)
            self._tell(group)
            if not more:
                return

    def _run_group(self, group: list[_Call[object]]) -> bool:
        """Run the first call and those that wait by then; return False if asked to end."""
        self._run(group[0])
        while len(group) < GROUP:
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                return True
            if call is None:
                return False
            group.append(call)
            self._run(call)
        return True

    def _run(self, call: _Call[object]) -> None:
        execute = self._connection.execute
        execute("SAVEPOINT call")
        tx = Transaction(Sql(self._connection))
        try:
            call.value = call.fn(tx)
        except Exception as error:
            call.error = error
            if not self._connection.in_transaction:
                # SQLite itself ended the transaction (disk full, I/O error): nothing of the
                # group is left, and all of it must hear so.
                raise sqlite3.OperationalError("the transaction was rolled back") from error
            execute("ROLLBACK TO call")
        else:
            call.topics = tx.topics
        execute("RELEASE call")

    def _fail_group(self, group: list[_Call[object]], error: sqlite3.Error) -> None:
        log.error("the database refused a commit: %s", error, extra={"event": "store-refused"})
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        for call in group:
            call.error = StoreUnavailable(f"the database did not keep the change: {error}")
            call.topics = set()

    def _tell(self, group: list[_Call[object]]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[_Call[object]]] = {}
        for call in group:
            by_loop.setdefault(call.loop, []).append(call)
        for loop, calls in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._settle, calls)
            except RuntimeError:  # that loop is closed: nobody waits there any more
                continue

    def _settle(self, calls: list[_Call[object]]) -> None:
        for call in calls:
            call.settle()
            self._wakeups.wake(call.topics)
