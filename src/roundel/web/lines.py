"""Lines of a step's output by number, and what is found in them, without holding the output.

An index knows where about every 200th line begins.  It is made by one pass at the first look,
goes on from there when more was written, and is kept for the outputs that were looked at last.
"""

import asyncio
import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from roundel.domain.ids import ExecutionId
from roundel.domain.logs import Logs

EVERY_LINES = 200  # a place is kept for each; a page of lines is as long
EVERY_BYTES = 256 * 1024  # and sooner where lines are long
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


@dataclass(slots=True)
class LineIndex:
    """Where lines begin: `marks` are pairs of line number and byte offset, both from 0."""

    lines: list[int] = field(default_factory=lambda: [0])
    offsets: list[int] = field(default_factory=lambda: [0])
    ended: int = 0  # lines with a line feed
    size: int = 0
    ragged: bool = False  # the last line has no line feed

    @property
    def total(self) -> int:
        return self.ended + self.ragged

    def feed(self, data: bytes) -> None:
        """Take the bytes that follow on those taken before."""
        at = data.find(b"\n")
        while at >= 0:
            self.ended += 1
            begins = self.size + at + 1
            if (
                self.ended - self.lines[-1] >= EVERY_LINES
                or begins - self.offsets[-1] >= EVERY_BYTES
            ):
                self.lines.append(self.ended)
                self.offsets.append(begins)
            at = data.find(b"\n", at + 1)
        if data:
            self.ragged = not data.endswith(b"\n")
        self.size += len(data)

    def before(self, line: int) -> tuple[int, int]:
        """Return the last marked line that is not after `line`, and its offset."""
        at = bisect_right(self.lines, max(0, line)) - 1
        return self.lines[at], self.offsets[at]


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
            async for piece in logs.read(execution, step, offset=index.size):
                index.feed(piece.data)
        return index


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Consecutive lines from `first` on; `cut` numbers those that are longer than shown."""

    first: int
    total: int
    lines: Sequence[str]
    cut: Sequence[int]


async def lines_of_step(
    logs: Logs, execution: ExecutionId, step: int, index: LineIndex, first: int, count: int
) -> Lines:
    """Return at most `count` lines, fewer at the end of the output."""
    first = max(0, min(first, index.total))
    wanted = max(0, min(count, MOST_LINES, index.total - first))
    number, offset = index.before(first)
    shown: list[str] = []
    cut: list[int] = []
    if wanted:
        async for line, longer in _short_lines(logs, execution, step, offset):
            if number >= first:
                shown.append(line.decode("utf-8", "replace"))
                if longer:
                    cut.append(number)
            number += 1
            if len(shown) == wanted:
                break
    return Lines(first=first, total=index.total, lines=shown, cut=cut)


async def _short_lines(
    logs: Logs, execution: ExecutionId, step: int, offset: int
) -> AsyncIterator[tuple[bytes, bool]]:
    """Yield lines without their end, and whether more of each was left out."""
    line, length = bytearray(), 0
    async for piece in logs.read(execution, step, offset=offset):
        *whole, rest = piece.data.split(b"\n")
        for part in whole:
            line += part[: LONGEST_LINE - len(line)]
            yield bytes(line), length + len(part) > LONGEST_LINE
            line, length = bytearray(), 0
        line += rest[: LONGEST_LINE - len(line)]
        length += len(rest)
    if length:
        yield bytes(line), length > LONGEST_LINE


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
