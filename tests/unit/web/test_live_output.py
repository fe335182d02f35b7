"""Positions of live output, and characters that chunks cut in two."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.domain.clock import Micros
from roundel.domain.ids import ExecutionId
from roundel.domain.line_index import LineIndex
from roundel.domain.logs import Piece
from roundel.domain.runners import StepReport, StepStatus
from roundel.services.live_output import (
    KEPT_BYTES,
    Tape,
    Written,
    catch_up,
    incomplete,
    position_of,
    read_position,
    whole_characters,
    written,
)

HERE = ExecutionId("e")


class PlannedLogs:
    """Output that comes in pieces of a given size."""

    def __init__(self, data: bytes, size: int, every: int = 0) -> None:
        self.data, self.size = data, size
        self.every = every  # microseconds from piece to piece
        self.index: LineIndex | None = None
        self.given = 0  # bytes that were read

    async def read(
        self, execution: ExecutionId, step: int, *, offset: int = 0, follow: bool = False
    ) -> AsyncIterator[Piece]:
        for at in range(offset, len(self.data), self.size):
            self.given += len(self.data[at : at + self.size])
            came = Micros(at // self.size * self.every)
            yield Piece(offset=at, data=self.data[at : at + self.size], at=came)

    async def line_index(self, execution: ExecutionId, step: int) -> LineIndex | None:
        return self.index


class App:
    def __init__(self, logs: PlannedLogs) -> None:
        self.logs = logs


def a_step(index: int, status: StepStatus = StepStatus.SUCCESS) -> StepReport:
    return StepReport(index=index, name="s", kind="run", status=status, started_at=Micros(0))


@pytest.mark.parametrize(
    ("data", "cut"),
    [(b"", 0), (b"a", 0), ("é".encode(), 0), (b"\xc3", 1), (b"\xe2\x82", 2), (b"\xf0\x9f\x98", 3)],
)
def test_the_beginning_of_a_character_is_known(data: bytes, cut: int) -> None:
    assert incomplete(data) == cut
    assert incomplete(b"before" + data) == cut


def test_bytes_that_are_no_text_hold_nothing_up() -> None:
    assert incomplete(b"\xff") == incomplete(b"\x80\x80\x80\x80\x80") == 0


@given(st.text(min_size=1, max_size=40), st.integers(1, 7), st.data())
async def test_output_in_any_pieces_is_the_same_text(
    text: str, size: int, data: st.DataObject
) -> None:
    raw = text.encode()
    logs = PlannedLogs(raw, size)
    known = data.draw(st.integers(0, len(raw)))
    border = await whole_characters(logs, HERE, 0, known)
    assert known - 3 <= border <= known
    first = [it async for it in written(logs, HERE, 0, 0, border, whole=True)]
    rest = [it async for it in written(logs, HERE, 0, border, len(raw), whole=False)]
    assert "".join(it.text for it in (*first, *rest)) == text
    ends = [0, *(it.end for it in (*first, *rest))]
    assert [it.start for it in (*first, *rest)] == ends[:-1]


def test_a_position_names_the_steps_that_are_not_whole() -> None:
    steps = {0: a_step(0), 1: a_step(1, StepStatus.RUNNING), 2: a_step(2)}
    assert position_of(steps, {0: 5, 1: 7, 2: 9}) == "1:7,3:0"
    assert read_position("1:7,3:0") == {1: 7, 3: 0}
    for foreign in ("", "x", "1", "1:", "1:2,", "1:-2", "9" * 40 + ":1"):
        assert read_position(foreign) is None


async def test_who_comes_back_gets_what_is_missing_and_no_more() -> None:
    app = App(PlannedLogs(b"0123456789", 3))
    steps = [a_step(0), a_step(1), a_step(2, StepStatus.RUNNING)]
    told = [
        it
        async for it in catch_up(HERE, app, {1: 4, 2: 0}, steps, {0: 10, 1: 10, 2: 6})  # type: ignore[arg-type]
    ]
    texts = {}
    for it in told:
        if isinstance(it, Written):
            texts[it.step] = texts.get(it.step, "") + it.text
    assert texts == {1: "456789", 2: "012345"}


def test_a_tape_lets_go_of_what_is_old() -> None:
    tape = Tape()
    for at in range(0, 4 * KEPT_BYTES, KEPT_BYTES // 4):
        end = at + KEPT_BYTES // 4
        tape.add(Written(step=0, start=at, end=end, text="x"))
    assert tape.held <= KEPT_BYTES
    assert tape.next == 16
    assert tape.first == 12
