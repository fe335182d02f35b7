"""Lines of an output by number, whatever its bytes and however they came."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.domain.ids import ExecutionId
from roundel.domain.line_index import EVERY_LINES, LineIndex
from roundel.web.lines import (
    ERROR,
    LONGEST_LINE,
    LineIndexes,
    find_lines,
    lines_of_step,
    pattern_of,
)
from tests.unit.web.test_live_output import PlannedLogs

HERE = ExecutionId("e")
OUTPUTS = st.lists(st.sampled_from([b"\n", b"a", b"\n\n\n", b"\xff\x00", b"xy\n" * 150])).map(
    b"".join
)


def plain_lines(data: bytes) -> list[bytes]:
    """The same by splitting the whole."""
    return data.removesuffix(b"\n").split(b"\n") if data else []


@given(data=OUTPUTS, size=st.integers(1, 700), first=st.integers(0, 600))
async def test_lines_are_those_of_the_whole_text_however_it_came(
    data: bytes, size: int, first: int
) -> None:
    logs = PlannedLogs(data, size)
    index = await LineIndexes().of(logs, HERE, 0)
    shown = await lines_of_step(logs, HERE, 0, index, first, 7)
    whole = plain_lines(data)
    assert index.total == len(whole)
    assert list(shown.lines) == [
        it.decode("utf-8", "replace") for it in whole[shown.first : shown.first + 7]
    ]
    assert shown.first == min(first, len(whole))


@given(data=OUTPUTS, size=st.integers(1, 700))
def test_marks_do_not_depend_on_the_pieces(data: bytes, size: int) -> None:
    whole, pieces = LineIndex(), LineIndex()
    whole.feed(data)
    for at in range(0, len(data), size):
        pieces.feed(data[at : at + size])
    assert pieces == whole
    for line, offset in zip(whole.lines, whole.offsets, strict=True):
        assert data[:offset].count(b"\n") == line


async def test_an_index_goes_on_where_more_was_written() -> None:
    indexes = LineIndexes()
    logs = PlannedLogs(b"a\nb", 2)
    assert (await indexes.of(logs, HERE, 0)).total == 2
    logs.data += b"c\nd\n"
    index = await indexes.of(logs, HERE, 0)
    assert (await lines_of_step(logs, HERE, 0, index, 0, 9)).lines == ["a", "bc", "d"]


@given(data=OUTPUTS)
def test_an_index_comes_back_as_it_was_put_away(data: bytes) -> None:
    index = LineIndex()
    index.feed(data)
    assert LineIndex.unpacked(index.packed()) == index


def test_the_index_of_a_million_lines_is_small_when_put_away() -> None:
    index = LineIndex()
    for _ in range(100):
        index.feed((b"x" * 199 + b"\n") * 10_000)
    assert index.total == 1_000_000
    assert len(index.packed()) < 16 * 1024


async def test_an_index_that_lies_beside_the_output_saves_the_pass_over_it() -> None:
    logs = PlannedLogs(b"line\n" * 5000, 1000)
    logs.index = LineIndex()
    logs.index.feed(logs.data)
    index = await LineIndexes().of(logs, HERE, 0)
    assert (index.total, logs.given) == (5000, 0)
    assert list((await lines_of_step(logs, HERE, 0, index, 4999, 9)).lines) == ["line"]


async def test_a_line_of_a_megabyte_is_cut_and_the_next_is_whole() -> None:
    logs = PlannedLogs(b"a" * 1_000_000 + b"\nnext\n", 16_384)
    index = await LineIndexes().of(logs, HERE, 0)
    shown = await lines_of_step(logs, HERE, 0, index, 0, 9)
    assert shown.lines == ["a" * LONGEST_LINE, "next"]
    assert shown.cut == [0]
    assert index.before(1) == (1, 1_000_001)


def test_few_places_are_kept_of_many_lines() -> None:
    index = LineIndex()
    index.feed(b"x\n" * 100_000)
    assert index.total == 100_000
    assert len(index.lines) == 100_000 // EVERY_LINES + 1


@given(data=OUTPUTS, size=st.integers(1, 700), text=st.sampled_from(["a", "X", "xy", "."]))
async def test_a_search_finds_the_lines_that_have_the_text(
    data: bytes, size: int, text: str
) -> None:
    found = await find_lines(PlannedLogs(data, size), HERE, 0, pattern_of(text), 10)
    whole = [n for n, it in enumerate(plain_lines(data)) if text.lower().encode() in it.lower()]
    assert list(found) == whole[:10]


async def test_a_search_finds_what_lies_across_pieces_of_a_long_line() -> None:
    data = b"first\n" + b"." * 70_000 + b"needle" + b"." * 70_000 + b"\nneedle\n"
    found = await find_lines(PlannedLogs(data, 10_001), HERE, 0, pattern_of("needle"), 10)
    assert list(found) == [1, 2]


@pytest.mark.parametrize(
    ("text", "tells"),
    [
        (b"Error: no such file", True),
        (b"\x1b[31merror\x1b[0m: x", True),
        (b"FATAL", True),
        (b"terrors", False),
        (b"all good", False),
    ],
)
def test_a_line_tells_of_an_error(text: bytes, tells: bool) -> None:
    assert bool(re.search(ERROR, text)) is tells


async def test_a_line_has_the_time_at_which_it_began_and_what_came_later_is_left_out() -> None:
    logs = PlannedLogs(b"a\nb", 3, every=10)
    index = await LineIndexes().of(logs, HERE, 0)
    logs.data += b"b\nc\nd"
    early = await lines_of_step(logs, HERE, 0, index, 0, 9)
    assert (list(early.lines), early.size, early.ragged) == (["a", "b"], 3, True)
    index = LineIndex()
    index.feed(logs.data)
    late = await lines_of_step(logs, HERE, 0, index, 0, 9)
    assert list(late.lines) == ["a", "bb", "c", "d"]
    assert list(late.times) == [(0, 0), (2, 10), (3, 20)]
