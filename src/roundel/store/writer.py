"""One thread that writes: calls that wait at the same time share one commit.

A call is one synchronous function on a transaction, run inside a savepoint of its own, so that one
that fails takes nothing of the others with it.  A caller hears of its success only after the
group's commit.  No statement may use `OR ROLLBACK`: it would end the whole group.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Generic, Protocol, TypeVar

from roundel.domain.errors import Unavailable
from roundel.store.dialect import Sql
from roundel.store.transaction import Transaction
from roundel.store.wakeups import LocalWakeups

T = TypeVar("T")

GROUP = 64  # calls per commit at most: bounds how long the first of them waits
FIRST_PAUSE_SECONDS = 0.02
LAST_PAUSE_SECONDS = 1.0

log = logging.getLogger(__name__)


class StoreUnavailable(Unavailable):
    """The database could not keep what it was given; nothing of the call was kept."""


class Fate(Enum):
    """What has become of a transaction that broke off."""

    KEPT = auto()  # the commit was done; only the word of it was lost
    AGAIN = auto()  # nothing was kept, and to try again may help
    LOST = auto()  # nothing was kept, and to try again would not help


class Session(Protocol):
    """The one connection that writes, seen from its thread."""

    @property
    def error(self) -> type[Exception]:
        """What the driver raises."""

    def begin(self) -> None:
        """Begin a transaction that no other writer's overlaps, and mark its start."""

    def sql(self) -> Sql:
        """Return the connection: the same object for as long as it is the same connection."""

    def mark(self) -> None:
        """Have done all that was asked for, and remember this point in the place of the last."""

    def undo(self) -> None:
        """Go back to the mark."""

    def broken(self, error: Exception) -> bool:
        """Tell whether with this error the whole transaction is gone."""

    def commit(self, topics: set[str]) -> None:
        """Make it durable, and let the writers of other processes wake theirs."""

    def fate(self, error: Exception) -> Fate:
        """End the transaction that broke off; raise `error` while that cannot be known."""

    def close(self) -> None: ...


class Call(Generic[T]):
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


class Writer:
    """Runs what it is given, in the order in which it came.  `close` waits for all of it."""

    def __init__(
        self, session: Session, wakeups: LocalWakeups, *, patience_seconds: float = 0.0
    ) -> None:
        self._session = session
        self._wakeups = wakeups
        self._patience = patience_seconds
        self._calls: queue.SimpleQueue[Call[object] | None] = queue.SimpleQueue()
        self._transaction: Transaction | None = None
        self._thread = threading.Thread(target=self._forever, name="store-writer")
        self._closing = threading.Event()
        self._thread.start()

    async def write(self, fn: Callable[[Transaction], T]) -> T:
        """Run `fn` in one transaction; return its value once that is durable."""
        if self._closing.is_set():
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        call: Call[T] = Call(fn, loop, loop.create_future())
        self._calls.put(call)  # type: ignore[arg-type]  # the value's type is the caller's affair
        return await call.future

    def close(self) -> None:
        """Finish what was asked for, then close the connection.  May be said twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._calls.put(None)
        self._thread.join()
        self._session.close()

    def _forever(self) -> None:
        more = True
        while more and (call := self._calls.get()) is not None:
            group = [call]
            more = self._carry_out(group)
            self._tell(group)

    def _carry_out(self, group: list[Call[object]]) -> bool:
        """Run and commit the group, as often as it takes; return False if asked to end."""
        give_up = time.monotonic() + self._patience
        pause = FIRST_PAUSE_SECONDS
        more = True
        while True:
            try:
                self._session.begin()
                self._run_known(group)
                more = more and self._gather(group)
                self._session.commit({topic for call in group for topic in call.topics})
            except self._session.error as error:
                fate = self._fate(error, give_up)
                if fate is Fate.KEPT:
                    return more
                if fate is Fate.LOST or time.monotonic() > give_up or self._closing.is_set():
                    self._fail(group, error)
                    return more
                time.sleep(pause)
                pause = min(pause * 2, LAST_PAUSE_SECONDS)
            else:
                return more

    def _run_known(self, group: list[Call[object]]) -> None:
        for call in group:
            self._run(call)

    def _gather(self, group: list[Call[object]]) -> bool:
        """Add those who wait by now; return False if asked to end."""
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

    def _run(self, call: Call[object]) -> None:
        call.error, call.topics = None, set()
        tx = self._begun()
        try:
            call.value = call.fn(tx)
            self._session.mark()
        except Exception as error:
            if self._session.broken(error):
                # Nothing of the group is left, and all of it must be run again or hear so.
                raise self._session.error(f"the transaction was rolled back: {error}") from error
            call.error = error
            self._session.undo()
        else:
            call.topics = tx.topics

    def _begun(self) -> Transaction:
        sql, tx = self._session.sql(), self._transaction
        if tx is None or not tx.runs_on(sql):
            tx = self._transaction = Transaction(sql)
        tx.begin()
        return tx

    def _fate(self, error: Exception, give_up: float) -> Fate:
        while True:
            try:
                return self._session.fate(error)
            except self._session.error:
                if time.monotonic() > give_up or self._closing.is_set():
                    return Fate.LOST
                time.sleep(FIRST_PAUSE_SECONDS * 10)

    def _fail(self, group: list[Call[object]], error: Exception) -> None:
        log.error("the database refused a commit: %s", error, extra={"event": "store-refused"})
        for call in group:
            call.error = StoreUnavailable(f"the database did not keep the change: {error}")
            call.topics = set()

    def _tell(self, group: list[Call[object]]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[Call[object]]] = {}
        for call in group:
            by_loop.setdefault(call.loop, []).append(call)
        for loop, calls in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._settle, calls)
            except RuntimeError:  # that loop is closed: nobody waits there any more
                continue

    def _settle(self, calls: list[Call[object]]) -> None:
        for call in calls:
            call.settle()
            self._wakeups.wake(call.topics)
