"""Lines of a step's output by number, and what is found in them, without holding the output.

An index knows where about every 200th line begins.  That of a long output lies beside it once the
output is sealed; before, it is made by one pass at the first look, goes on from there when more was
written, and is kept for the outputs that were looked at last.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import ExecutionId
from roundel.domain.line_index import LineIndex
from roundel.domain.logs import Logs
from roundel.domain.records import dataclass

LONGEST_LINE = 4096  # bytes of a line that are shown; the rest is in the whole output
MOST_LINES = 500
MOST_FOUND = 200
MOST_INDEXES = 64
_LONGEST_REST = 64 * 1024  # of a line without an end that is held for a search
_OVERLAP = 1024  # so that what lies across two pieces is found; longer than any needle
# A colour before a word ends in a letter, which is no part of the word.
ERROR = re.compile(
    rb"(?:\b|(?<=[0-9;\[]m))(?:error|fatal|failed|failure|exception|traceback|panic)\b",
    re.IGNORECASE,
)


class LineIndexes:
    """The indexes of outputs that were looked at last; two who look at once share one pass."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[ExecutionId, int], tuple[LineIndex, asyncio.Lock]] = (
            OrderedDict()
        )

    async def of(self, logs: Logs, execution: ExecutionId, step: int) -> LineIndex:
        """Return the index of what is written by now."""
        key = (execution, step)
        index, lock = self._kept.setdefault(key, (LineIndex(), asyncio.Lock()))
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_INDEXES:
            self._kept.popitem(last=False)
        async with lock:
            index, _ = self._kept.get(key, (index, lock))  # of whom we have waited for
            if not index.size:
                kept = await logs.line_index(execution, step)
                if kept is not None:
                    index = kept
                    self._kept[key] = index, lock
            async for piece in logs.read(execution, step, offset=index.size):
                index.feed(piece.data)
        return index


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Consecutive lines from `first` on, of an output as long as `size`.

    `cut` numbers those that are longer than shown.  `times` says from which line on they came
    when, in microseconds; a last line that is `ragged` may still become longer.
    """

    first: int
    total: int
    size: int
    ragged: bool
    times: Sequence[tuple[int, Micros]]
    lines: Sequence[str]
    cut: Sequence[int]


async def lines_of_step(
    logs: Logs, execution: ExecutionId, step: int, index: LineIndex, first: int, count: int
) -> Lines:
    """Return at most `count` lines, fewer at the end of the output.

    What was written since the index was made is left out: its reader hears of it by the stream.
    """
    total, size, ragged = index.total, index.size, index.ragged
    first = max(0, min(first, total))
    wanted = max(0, min(count, MOST_LINES, total - first))
    number, offset = index.before(first)
    shown: list[str] = []
    cut: list[int] = []
    times: list[tuple[int, Micros]] = []
    if wanted:
        async for line, longer, at in _short_lines(logs, execution, step, offset, size):
            if number >= first:
                if not times or times[-1][1] != at:
                    times.append((number, at))
                shown.append(line.decode("utf-8", "replace"))
                if longer:
                    cut.append(number)
            number += 1
            if len(shown) == wanted:
                break
    return Lines(
        first=first, total=total, size=size, ragged=ragged, times=times, lines=shown, cut=cut
    )


async def _short_lines(
    logs: Logs, execution: ExecutionId, step: int, offset: int, size: int
) -> AsyncIterator[tuple[bytes, bool, Micros]]:
    """Yield lines without their end, whether more of each was left out, and when each began."""
    line, length, at = bytearray(), 0, Micros(0)
    async for piece in logs.read(execution, step, offset=offset):
        *whole, rest = piece.data[: max(0, size - piece.offset)].split(b"\n")
        for part in whole:
            line += part[: LONGEST_LINE - len(line)]
            yield bytes(line), length + len(part) > LONGEST_LINE, at if length else piece.at
            line, length = bytearray(), 0
        at = at if length else piece.at
        line += rest[: LONGEST_LINE - len(line)]
        length += len(rest)
        if piece.offset + len(piece.data) >= size:
            break
    if length:
        yield bytes(line), length > LONGEST_LINE, at


def pattern_of(text: str) -> "re.Pattern[bytes]":
    """Return what finds a text as it stands; the case of ASCII letters is no matter."""
    return re.compile(re.escape(text.encode()), re.IGNORECASE)


async def find_lines(
    logs: Logs, execution: ExecutionId, step: int, pattern: "re.Pattern[bytes]", most: int
) -> Sequence[int]:
    """Return the numbers of the first lines that have a match, at most `most`."""
    found: list[int] = []
    rest, number = b"", 0
    async for piece in logs.read(execution, step):
        block = rest + piece.data
        end = block.rfind(b"\n") + 1
        if not end and len(block) < _LONGEST_REST:
            rest = block
            continue
        upto = end or len(block)
        number = _search(block[:upto], number, pattern, found)
        rest = block[end:] if end else block[-_OVERLAP:]
        if len(found) >= most:
            return found[:most]
    _search(rest, number, pattern, found)
    return found[:most]


def _search(block: bytes, number: int, pattern: "re.Pattern[bytes]", found: list[int]) -> int:
    """Add the lines of a block, which begins in line `number`; return the line it ends in."""
    at = 0
    for match in pattern.finditer(block):
        number += block.count(b"\n", at, match.start())
        at = match.start()
        if not found or found[-1] != number:
            found.append(number)
    return number + block.count(b"\n", at)
