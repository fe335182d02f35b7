"""The arithmetic of insights."""

import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.domain.clock import DAY, HOUR, SECOND, Micros
from roundel.domain.ids import ProjectId
from roundel.domain.insights import (
    Figures,
    Outcome,
    Sample,
    Window,
    compute_units,
    since,
    together,
    trend,
)

RUN = Sample(
    project_id=ProjectId("p"),
    workflow="main",
    job="",
    branch="main",
    outcome=Outcome.SUCCESS,
    duration_ms=10_000,
    credits=2,
    started_at=Micros(0),
    ended_at=Micros(10 * SECOND),
)


def figures(*runs: Sample) -> Figures:
    made = Figures()
    for run in runs:
        made.add(run)
    return made


def test_canceled_runs_count_as_runs_and_not_for_the_success_rate():
    failed, canceled = (replace(RUN, outcome=it) for it in (Outcome.FAILED, Outcome.CANCELED))
    found = figures(RUN, RUN, RUN, failed, canceled, canceled)
    assert (found.runs, found.timed, found.success_rate) == (6, 4, 0.75)


def test_without_runs_every_figure_is_zero():
    nothing = Figures()
    assert (nothing.success_rate, nothing.mttr_seconds, nothing.mean_seconds) == (0.0, 0, 0)
    assert (nothing.duration_seconds(0.95), nothing.deviation_seconds) == (0.0, 0.0)


def test_the_time_to_recovery_is_the_mean_over_the_failures():
    found = figures(RUN, replace(RUN, recoveries=3, recovery_ms=90_000))
    assert (found.recoveries, found.mttr_seconds) == (3, 30)


@given(st.lists(st.integers(1, 50_000_000), min_size=1, max_size=200), st.integers(0, 200))
def test_percentiles_are_right_to_one_percent_however_runs_are_grouped(
    durations: list[int], cut: int
):
    runs = [replace(RUN, duration_ms=it) for it in durations]
    found = together([figures(*runs[:cut]), figures(*runs[cut:])])
    ordered = sorted(durations)
    for share in (0.5, 0.95):
        rank = -(-len(ordered) * round(share * 100) // 100)
        exact = ordered[rank - 1] / 1000
        assert found.duration_seconds(share) == pytest.approx(exact, rel=0.0101, abs=0.001)
    assert found.shortest_ms == ordered[0]
    assert found.longest_ms == ordered[-1]
    exact_deviation = statistics.pstdev(it / 1000 for it in durations)
    assert found.deviation_seconds == pytest.approx(exact_deviation, rel=1e-3, abs=0.05)


@pytest.mark.parametrize(
    ("current", "prior", "expected"),
    [(3, 3, 1.0), (6, 3, 2.0), (0, 3, 0.0), (3, 0, -1.0), (0, 0, 1.0)],
)
def test_trends_compare_with_the_window_before(current: float, prior: float, expected: float):
    assert trend(current, prior) == expected


def test_compute_units_grow_with_time_nodes_and_size():
    assert compute_units(60_000, 1, "medium") == 10
    assert compute_units(60_000, 4, "small") == 20
    assert compute_units(1, 1, "xlarge") == 1
    assert compute_units(60_000, 1, "acme/own") == compute_units(60_000, 1, None) == 10


def test_windows_end_with_the_interval_that_is_under_way():
    now = Micros(100 * DAY + 5 * HOUR + 1)
    assert since(Window.WEEK, now) == 94 * DAY
    assert since(Window.WEEK, now, ago=1) == 87 * DAY
    assert since(Window.DAY, now) == 99 * DAY + 6 * HOUR
