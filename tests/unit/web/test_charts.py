"""Numbers to places in a drawing: scales that people can read, lines that break where data does."""

import pytest

from roundel.domain.clock import DAY, SECOND, Micros
from roundel.domain.resource_use import Sample
from roundel.web.charts import line_chart, scale, words
from roundel.web.resource_charts import resource_use

DAYS = [Micros(n * DAY) for n in range(4)]
NAMES = ["01-01", "01-02", "01-03", "01-04"]


@pytest.mark.parametrize(
    ("highest", "whole", "expected"),
    [
        (0, False, (1, 1)),
        (3.9, False, (1, 4)),
        (97, False, (25, 100)),
        (9, True, (3, 9)),
        (1, True, (1, 1)),
        (1234, True, (500, 1500)),
    ],
)
def test_scales_have_few_round_steps_and_hold_the_highest_value(
    highest: float, whole: bool, expected: tuple[float, float]
) -> None:
    assert scale(highest, whole=whole) == pytest.approx(expected)


def test_a_day_without_a_value_breaks_the_line() -> None:
    chart = line_chart("t", DAYS, [("a", [1.0, None, 2.0, 3.0])], unit="s", day_name=NAMES)
    (line,) = chart.lines
    assert line.path.count("M") == 2
    assert line.path.count("L") == 1
    assert [point.words for point in line.points] == [
        "01-01: a 1s",
        "01-03: a 2s",
        "01-04: a 3s",
    ]


def test_higher_values_are_drawn_higher_and_later_ones_further_right() -> None:
    chart = line_chart("t", DAYS, [("a", [1.0, 2.0, 3.0, 4.0])], unit="", day_name=NAMES)
    points = chart.lines[0].points
    assert [p.x for p in points] == sorted(p.x for p in points)
    assert [p.y for p in points] == sorted((p.y for p in points), reverse=True)


def test_what_is_beyond_the_scale_stays_on_it() -> None:
    chart = line_chart("t", DAYS, [("a", [250.0])], unit="%", top=100, day_name=NAMES)
    assert chart.lines[0].points[0].y == chart.across[-1].y


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        *((87.4, "%", "87 %"), (4.25, "s", "4.2s"), (65, "s", "1m 05s"), (7260, "s", "2h 01m")),
        *((2.5, "%", "2.5 %"), (100, "%", "100 %"), (0, "%", "0 %"), (0.04, "%", "0 %")),
        *((0, "MB", "0 MB"), (0.25, "MB", "250 kB"), (1.5, "MB", "1.5 MB"), (244, "MB", "244 MB")),
    ],
)
def test_values_are_said_in_words(value: float, unit: str, text: str) -> None:
    assert words(value, unit) == text


def test_a_single_look_at_a_job_is_said_and_not_drawn() -> None:
    one = Sample(at=Micros(2 * SECOND), cpu_ms=150, memory=300_000)
    used = resource_use([one], Micros(SECOND))
    assert used is not None
    assert (used.charts, used.peak, used.rows[0]) == ((), "300 kB", ("1s", "15 %", "300 kB"))
    two = Sample(at=Micros(3 * SECOND), cpu_ms=150, memory=300_000)
    used = resource_use([one, two], Micros(SECOND))
    assert used is not None and len(used.charts) == 2
