"""Live output of one node: its steps as they begin and end, and what they write.

A position says what an onlooker has: `3:1200,5:88` is all of the steps below 5 that are not
named, of step 3 the first 1200 bytes and of step 5 the first 88.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Protocol

from roundel.domain.ids import ExecutionId
from roundel.domain.jobs import EXECUTION_ENDED
from roundel.domain.logs import Logs
from roundel.domain.page_views import PageReads
from roundel.domain.records import dataclass
from roundel.domain.runners import StepReport, StepStatus
from roundel.domain.views import NodeView
from roundel.domain.watching import topic_of_steps
from roundel.services.following import Board, Wakeups, wait
from roundel.services.work import topic_of_output

SLOW_POLL_SECONDS = 2.0
PAUSE_SECONDS = 0.15
KEPT_BYTES = 512 * 1024  # of output, for onlookers that are a little behind
MOST_BEHIND = 1024 * 1024  # bytes of a step; who is further behind is told of a gap
PIECE_BYTES = 64 * 1024

_POSITION = re.compile(r"\d{1,5}:\d{1,15}(?:,\d{1,5}:\d{1,15}){0,63}")


class OutputApp(Protocol):
    """What a reader needs of the server."""

    @property
    def logs(self) -> Logs: ...
    @property
    def pages(self) -> PageReads: ...
    @property
    def wakeups(self) -> Wakeups: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A piece of a step's output; `end` is the offset behind it."""

    step: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Output that an onlooker has to fetch by other ways, as there is too much of it."""

    step: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A step has begun or ended."""

    step: StepReport


@dataclass(slots=True, kw_only=True)
class Frame:
    """One thing to tell, and the position of an onlooker who has been told."""

    told: Written | Skipped | Moved
    position: str
    wire: bytes = b""  # what a door has made of it, once for all onlookers


@dataclass(slots=True)
class Tape:
    """The last things that were told, and where the reader is."""

    frames: deque[Frame] = field(default_factory=deque)
    first: int = 0  # the number of the first frame that is kept
    held: int = 0  # bytes of output in them
    offsets: dict[int, int] = field(default_factory=dict)
    steps: dict[int, StepReport] = field(default_factory=dict)

    @property
    def next(self) -> int:
        return self.first + len(self.frames)

    def add(self, told: Written | Moved) -> None:
        """Keep a thing; let go of the oldest where there is too much."""
        if isinstance(told, Written):
            self.offsets[told.step] = told.end
            self.held += told.end - told.start
        else:
            self.steps[told.step.index] = told.step
        self.frames.append(Frame(told=told, position=self.position))
        while self.held > KEPT_BYTES and len(self.frames) > 1:
            gone = self.frames.popleft().told
            self.first += 1
            if isinstance(gone, Written):
                self.held -= gone.end - gone.start

    @property
    def position(self) -> str:
        return position_of(self.steps, self.offsets)


def position_of(steps: Mapping[int, StepReport], offsets: Mapping[int, int]) -> str:
    """Return the position of somebody who has been told of all that is given."""
    open_steps = [it for it in steps.values() if it.status is StepStatus.RUNNING]
    named = {step.index: offsets.get(step.index, 0) for step in open_steps}
    following = max(steps, default=-1) + 1
    named[following] = 0
    return ",".join(f"{step}:{offset}" for step, offset in sorted(named.items()))


def read_position(text: str) -> dict[int, int] | None:
    """Return the steps and offsets in a position; None if it is none of ours."""
    if _POSITION.fullmatch(text) is None:
        return None
    return {int(step): int(at) for step, _, at in (it.partition(":") for it in text.split(","))}


async def read_output(execution: ExecutionId, app: OutputApp, board: Board[Tape]) -> None:
    """Put what a node does on a tape until it has ended, beginning with where it is now."""
    tape = Tape()
    known = await app.pages.node(execution)
    if known is None:
        return
    for report, size in known.steps:
        tape.steps[report.index] = report
        tape.offsets[report.index] = await whole_characters(app.logs, execution, report.index, size)
    board.show(tape)
    while True:
        topics = [topic_of_output(execution, index) for index in _open(known)]
        with app.wakeups.listen(topic_of_steps(execution), *topics) as woken:
            latest = await app.pages.node(execution)
            if latest is None:
                return
            if await _tell(execution, latest, app, tape):
                board.show(tape)
            known = latest
            if latest.status in EXECUTION_ENDED:
                return
            if _open(latest) == [int(topic.rpartition(":")[2]) for topic in topics]:
                await wait(woken, SLOW_POLL_SECONDS)
        await asyncio.sleep(PAUSE_SECONDS)


async def _tell(execution: ExecutionId, node: NodeView, app: OutputApp, tape: Tape) -> bool:
    """Put what is new on the tape; tell whether anything was."""
    before = tape.next
    for report, size in node.steps:
        began = report.index not in tape.steps
        if began and report.status is not StepStatus.RUNNING:
            running = _as_running(report)
            tape.add(Moved(step=running))
        elif began:
            tape.add(Moved(step=report))
        offset = tape.offsets.get(report.index, 0)
        ended = report.status is not StepStatus.RUNNING
        if size > offset:
            async for told in written(
                app.logs, execution, report.index, offset, size, whole=not ended
            ):
                tape.add(told)
        if tape.steps.get(report.index) != report:
            tape.add(Moved(step=report))
    return tape.next > before


async def catch_up(
    execution: ExecutionId,
    app: OutputApp,
    theirs: Mapping[int, int],
    steps: Sequence[StepReport],
    offsets: Mapping[int, int],
) -> AsyncIterator[Written | Skipped | Moved]:
    """Yield what lies between an onlooker's position and where the reader was."""
    highest = max(theirs, default=0)
    for report in steps:
        if report.index not in theirs and report.index < highest:
            continue
        start, end = theirs.get(report.index, 0), offsets.get(report.index, 0)
        yield Moved(step=report)
        if end - start > MOST_BEHIND:
            yield Skipped(step=report.index, start=start, end=end - MOST_BEHIND)
            start = end - MOST_BEHIND
        if end > start:
            async for told in written(app.logs, execution, report.index, start, end, whole=False):
                yield told


async def written(
    logs: Logs, execution: ExecutionId, step: int, start: int, end: int, *, whole: bool
) -> AsyncIterator[Written]:
    """Yield output between two offsets; with `whole`, a character cut at the end stays out."""
    held = b""
    at = start
    async for piece in logs.read(execution, step, offset=start):
        data = held + piece.data[: max(0, end - piece.offset)]
        last = piece.offset + len(piece.data) >= end
        cut = 0 if last and not whole else incomplete(data)
        held, data = data[len(data) - cut :], data[: len(data) - cut]
        while data:
            part = data[:PIECE_BYTES]
            if len(part) < len(data):
                part = part[: len(part) - incomplete(part)]
            data = data[len(part) :]
            text = part.decode("utf-8", "replace")
            yield Written(step=step, start=at, end=at + len(part), text=text)
            at += len(part)
        if last:
            return


async def whole_characters(logs: Logs, execution: ExecutionId, step: int, size: int) -> int:
    """Return the last offset up to `size` that cuts no character in two."""
    tail = b""
    async for piece in logs.read(execution, step, offset=max(0, size - 4)):
        tail += piece.data[: max(0, size - piece.offset)]
        if piece.offset + len(piece.data) >= size:
            break
    return size - incomplete(tail)


def incomplete(data: bytes) -> int:
    """Return how many bytes at the end begin a UTF-8 character that is not complete."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue  # the inside of a character
        needed = 2 if byte >> 5 == 0b110 else 3 if byte >> 4 == 0b1110 else 4
        return back if byte >= 0xC0 and byte < 0xF8 and back < needed else 0
    return 0


def _open(node: NodeView) -> list[int]:
    return [report.index for report, _ in node.steps if report.status is StepStatus.RUNNING]


def _as_running(report: StepReport) -> StepReport:
    return replace(report, status=StepStatus.RUNNING, ended_at=None, exit_code=None, message=None)
