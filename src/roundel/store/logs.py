"""Step output as a stream: the history, and then whatever comes."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from roundel.domain.blobs import Blobs
from roundel.domain.clock import Micros
from roundel.domain.ids import ExecutionId
from roundel.domain.line_index import LineIndex
from roundel.domain.logs import Piece
from roundel.store.database import Database
from roundel.store.dialect import Row, Sql
from roundel.store.wakeups import LocalWakeups

SLOW_POLL_SECONDS = 2.0  # what a lost wake-up costs a reader
PIECES_AT_ONCE = 64  # rows fetched at once: at most 1 MiB of inline data in memory

# Who needs it: every reader of output.  The chunk that `offset` is in starts at or before it.
_CHUNKS = (
    "SELECT number, start_at, length, at, data, blob FROM chunk"
    " WHERE execution_id = :execution AND step = :step AND number >= :number"
    " ORDER BY number LIMIT :limit"
)


class StoredLogs:
    """Implements `domain.logs.Logs` on the chunk index and the blobs."""

    def __init__(self, database: Database, blobs: Blobs, wakeups: LocalWakeups) -> None:
        self._database = database
        self._blobs = blobs
        self._wakeups = wakeups

    async def read(
        self, execution: ExecutionId, step: int, *, offset: int = 0, follow: bool = False
    ) -> AsyncIterator[Piece]:
        """Yield pieces from `offset` on; with `follow`, wait for more until the step has ended."""
        number = await self._database.read(lambda sql: _first(sql, execution, step, offset))
        with self._wakeups.listen(f"output:{execution}:{step}") as woken:
            while True:
                woken.clear()
                rows, over, sealed = await self._database.read(
                    partial(_page, execution=execution, step=step, number=number)
                )
                for row in rows:
                    number = row[0] + 1
                    if row[1] + row[2] > offset:
                        data = await self._data(execution, step, row, sealed)
                        skip = max(0, offset - row[1])
                        yield Piece(offset=row[1] + skip, data=data[skip:], at=Micros(row[3]))
                if len(rows) == PIECES_AT_ONCE:
                    continue
                if over or not follow:
                    return
                await _wait(woken)

    async def line_index(self, execution: ExecutionId, step: int) -> LineIndex | None:
        """Return the index that was kept when the output was sealed."""
        found = await self._database.read(partial(_line_index, execution=execution, step=step))
        return None if found is None else LineIndex.unpacked(found)

    async def _data(self, execution: ExecutionId, step: int, row: Row, sealed: str | None) -> bytes:
        if row[4] is not None:
            return bytes(row[4])
        if row[5] is not None:
            try:
                return await self._blobs.get(row[5])
            except FileNotFoundError:
                # Sealed since the row was read: the bytes are in the one object now.
                sealed = await self._database.read(partial(_sealed, execution=execution, step=step))
        if sealed is None:
            return b""
        return await self._blobs.get(sealed, start=row[1], end=row[1] + row[2])


def _sealed(sql: Sql, *, execution: str, step: int) -> str | None:
    """Return the name of the object that has a step's whole output."""
    row = sql.one(
        "SELECT sealed FROM step WHERE execution_id = :execution AND position = :step",
        execution=execution,
        step=step,
    )
    return None if row is None else row[0]


def _line_index(sql: Sql, *, execution: str, step: int) -> bytes | None:
    """Return the packed index of a step's lines."""
    row = sql.one(
        "SELECT line_index FROM step WHERE execution_id = :execution AND position = :step",
        execution=execution,
        step=step,
    )
    return None if row is None or row[0] is None else bytes(row[0])


async def _wait(woken: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(SLOW_POLL_SECONDS):
            await woken.wait()
    except TimeoutError:
        return


def _first(sql: Sql, execution: str, step: int, offset: int) -> int:
    """Return the number of the chunk that `offset` is in."""
    if offset <= 0:
        return 0
    row = sql.one(
        "SELECT max(number) FROM chunk WHERE execution_id = :execution AND step = :step"
        " AND start_at <= :offset",
        execution=execution,
        step=step,
        offset=offset,
    )
    return 0 if row is None or row[0] is None else int(row[0])


def _page(
    sql: Sql, *, execution: str, step: int, number: int
) -> tuple[list[Row], bool, str | None]:
    """Return the next chunks, whether no more can come, and the sealed object's name."""
    found = sql.one(
        "SELECT status, sealed FROM step WHERE execution_id = :execution AND position = :step",
        execution=execution,
        step=step,
    )
    rows = sql.all(_CHUNKS, execution=execution, step=step, number=number, limit=PIECES_AT_ONCE)
    if found is None:
        return rows, _ended(sql, execution), None
    return rows, found[0] != "running", found[1]


def _ended(sql: Sql, execution: str) -> bool:
    """Tell whether an execution without this step will never have it."""
    row = sql.one("SELECT stopped_at FROM execution WHERE id = :id", id=execution)
    return row is None or row[0] is not None
