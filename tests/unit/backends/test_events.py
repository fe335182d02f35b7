"""The events file is hostile input."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.backends.events import MAX_BYTES, Ended, Record, TooMuch


def test_what_a_supervisor_writes_is_understood():
    record = Record()
    record.feed(b"ready groups=setsid bash=1 git=0 ssh=0\nstarted 2\nended 2 3 1\nstarted 3\n")
    assert record.facts == {"groups": "setsid", "bash": "1", "git": "0", "ssh": "0"}
    assert record.started == {2, 3}
    assert record.ended == {2: Ended(3, 1)}


def test_a_line_that_is_not_whole_waits_for_its_rest():
    record = Record()
    record.feed(b"started 2\nended 2 1")
    assert record.ended == {}
    record.feed(b"37\n")
    assert record.ended == {2: Ended(137)}


@pytest.mark.parametrize(
    "line",
    [
        b"ended 2",
        b"ended 2 x",
        b"ended -1 0",
        b"ended 2 0 0 0",
        b"ended 99999999999 0",
        b"ended 2 9999",
        b"started 2 3 4 5",
        b"ready $(reboot)=1",
        b"\xff\xfe",
        b"ended\t2\t0",
    ],
)
def test_lines_of_no_known_form_are_passed_over(line):
    record = Record()
    record.feed(line + b"\nstarted 1\n")
    assert record.ended == {}
    assert record.started == {1}


def test_the_first_end_of_a_step_counts():
    record = Record()
    record.feed(b"ended 2 1\nended 2 0\n")
    assert record.ended[2].code == 1


def test_a_flood_is_refused():
    record = Record()
    with pytest.raises(TooMuch):
        for _ in range(MAX_BYTES // 65536 + 1):
            record.feed(b"x" * 65536)


@given(st.lists(st.binary(max_size=50)))
def test_no_input_breaks_it(pieces):
    record = Record()
    for piece in pieces:
        record.feed(piece)
