"""The supervisor's `events` file, read as what it is: text that the job could have written."""

import re
from dataclasses import field

from roundel.domain.records import dataclass

MAX_LINE_BYTES = 4096
MAX_BYTES = 4 * 1024 * 1024  # a job of 10,000 steps writes a tenth of this

_LINE = re.compile(rb"(started|ended) ([0-9]{1,6})(?: ([0-9]{1,3})(?: ([0-9]{1,9}))?)?")
_QUESTION = re.compile(rb"question ([0-9]{1,10}-[0-9]{1,2})")
_READY = re.compile(rb"ready((?: [a-z]{1,12}=[a-z0-9]{1,12}){0,16})")


class TooMuch(Exception):
    """The file grew past what any honest supervisor writes."""


@dataclass(slots=True)
class Ended:
    """A step's exit code, and how many memory kills the kernel counted by then."""

    code: int
    ooms: int = 0


@dataclass(slots=True)
class Record:
    """All that was said so far.  Lines of no known form are passed over."""

    facts: dict[str, str] | None = None  # None until the supervisor is ready
    started: set[int] = field(default_factory=set)
    full: bool = False  # the job folder's disk was
    ended: dict[int, Ended] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)  # names, in the order of their asking
    _read: int = 0
    _partial: bytes = b""

    def feed(self, data: bytes) -> None:
        """Take in the next bytes; a line that is not yet whole waits for its rest."""
        self._read += len(data)
        if self._read > MAX_BYTES:
            raise TooMuch
        *lines, self._partial = (self._partial + data).split(b"\n")
        self._partial = self._partial[-MAX_LINE_BYTES:]
        for line in lines:
            self._line(line)

    def _line(self, line: bytes) -> None:
        if match := _LINE.fullmatch(line):
            step = int(match[2])
            if match[1] == b"started":
                self.started.add(step)
            elif match[3] is not None:
                # The first word counts: nobody ends a step twice.
                self.ended.setdefault(step, Ended(int(match[3]), int(match[4] or 0)))
        elif line == b"full":
            self.full = True
        elif match := _QUESTION.fullmatch(line):
            self.questions.append(match[1].decode())
        elif self.facts is None and (match := _READY.fullmatch(line)):
            self.facts = dict(pair.split("=") for pair in match[1].decode().split())
