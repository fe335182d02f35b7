"""Step output as readers see it: a stream of bytes by offset, then wait for more."""

from collections.abc import AsyncIterator
from typing import Protocol

from roundel.domain.clock import Micros
from roundel.domain.ids import ExecutionId
from roundel.domain.line_index import LineIndex
from roundel.domain.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Consecutive output that arrived at one time; `offset` counts masked bytes from 0."""

    offset: int
    data: bytes
    at: Micros


class Logs(Protocol):
    """Reading a step's output; the history and the live end are one path."""

    def read(
        self, execution: ExecutionId, step: int, *, offset: int = 0, follow: bool = False
    ) -> AsyncIterator[Piece]:
        """Yield pieces from `offset` on; with `follow`, wait for more until the step has ended."""

    async def line_index(self, execution: ExecutionId, step: int) -> LineIndex | None:
        """Return the index that lies beside a long output that has ended; None without one."""
