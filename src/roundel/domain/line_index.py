"""Where the lines of an output begin: any is found without reading what is before it."""

import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import field
from itertools import accumulate, pairwise
from typing import Self

from roundel.domain.records import dataclass

EVERY_LINES = 200  # a place is kept for each; a page of lines is as long
EVERY_BYTES = 256 * 1024  # and sooner where lines are long
_WORD = "Q"  # eight bytes, as arrays have them on every machine that we run on


@dataclass(slots=True)
class LineIndex:
    """Where lines begin: `lines` and `offsets` are pairs of number and byte offset, both from 0."""

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

    def packed(self) -> bytes:
        """Return it as few bytes: steps from mark to mark are much alike."""
        words = array(_WORD, [self.ended, self.size, self.ragged])
        words.extend(_steps(self.lines))
        words.extend(_steps(self.offsets))
        return zlib.compress(words.tobytes())

    @classmethod
    def unpacked(cls, data: bytes) -> Self:
        """Return what `packed` was asked of."""
        words = array(_WORD)
        words.frombytes(zlib.decompress(data))
        ended, size, ragged, *steps = words
        half = len(steps) // 2
        return cls(
            lines=list(accumulate(steps[:half], initial=0)),
            offsets=list(accumulate(steps[half:], initial=0)),
            ended=ended,
            size=size,
            ragged=bool(ragged),
        )


def _steps(places: list[int]) -> Iterator[int]:
    return (after - before for before, after in pairwise(places))
