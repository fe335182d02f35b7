"""When a waiting job is expected to start."""

import pytest

from roundel.domain.clock import Micros
from roundel.domain.waiting import left_of, until_start

NOW = Micros(1_000)


@pytest.mark.parametrize(
    ("started_at", "left"),
    [(None, 60), (1_000, 60), (960, 20), (940, 0), (1, 0), (1_010, 60)],
    ids=["not begun", "just begun", "under way", "as usual", "longer than usual", "ahead of us"],
)
def test_a_job_is_thought_to_run_for_the_rest_of_what_is_usual(started_at: int | None, left: int):
    began = None if started_at is None else Micros(started_at)
    assert left_of(60, began, NOW) == left


@pytest.mark.parametrize(
    ("left", "position", "wait"),
    [
        ([50], 1, 50),
        ([50], 3, 170),
        ([50, 0, 20], 1, 0),
        ([50, 0, 20], 3, 50),
        ([50, 0, 20], 4, 60),  # the slot that comes free first does so again
        ([500, 0], 4, 180),  # nobody waits for a slot that is taken for long
    ],
)
def test_each_in_line_takes_the_slot_that_comes_free_first(
    left: list[int], position: int, wait: int
):
    assert until_start(left, 60, position) == wait
