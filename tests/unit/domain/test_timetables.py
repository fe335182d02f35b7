"""When a schedule is due."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.domain.clock import DAY, HOUR, MINUTE, SECOND, Micros
from roundel.domain.errors import Invalid
from roundel.domain.schedules import MONTHS, WEEKDAYS, Timetable
from tests.unit.services.test_cron import at


def day_and_hour(micros: Micros | None) -> str:
    assert micros is not None
    return datetime.fromtimestamp(micros // SECOND, UTC).strftime("%a %Y-%m-%d %H")


DAILY = Timetable(per_hour=1, hours_of_day=(8,), days_of_week=WEEKDAYS)


def test_once_an_hour_is_once_within_the_first_ten_minutes():
    ticks = [DAILY.next_after(at("2026-03-01 00:00"), str(seed)) for seed in range(50)]
    delays = [tick - at("2026-03-01 08:00") for tick in ticks if tick is not None]
    assert all(0 <= delay < 10 * MINUTE for delay in delays)
    assert len(set(delays)) > 25  # they do not all start together


def test_the_delay_of_a_schedule_is_always_the_same():
    first = DAILY.next_after(at("2026-03-01 00:00"), "seed")
    assert first is not None
    assert DAILY.next_after(first, "seed") == first + DAY


def test_several_times_an_hour_are_spread_evenly():
    table = Timetable(per_hour=4, hours_of_day=(8,), days_of_week=("MON",))
    tick, ticks = at("2026-03-02 00:00"), []
    for _ in range(4):
        found = table.next_after(tick, "seed")
        assert found is not None
        tick = found
        ticks.append(tick)
    assert {later - earlier for earlier, later in itertools.pairwise(ticks)} == {15 * MINUTE}


@pytest.mark.parametrize(
    ("table", "after", "due"),
    [
        (
            Timetable(per_hour=1, hours_of_day=(3, 1), days_of_month=(31,)),
            "2026-04-01 00:00",
            "Sun 2026-05-31 01",
        ),
        (
            Timetable(per_hour=1, hours_of_day=(0,), days_of_month=(29,), months=("FEB",)),
            "2026-01-01 00:00",
            "Tue 2028-02-29 00",
        ),
        (
            Timetable(per_hour=1, hours_of_day=(24,), days_of_week=("WED",)),
            "2026-03-02 00:00",
            "Wed 2026-03-04 00",
        ),
        (
            Timetable(per_hour=60, hours_of_day=(23,), days_of_week=("SAT",), months=("DEC",)),
            "2026-03-02 00:00",
            "Sat 2026-12-05 23",
        ),
    ],
)
def test_days_months_and_hours_are_kept(table: Timetable, after: str, due: str):
    assert day_and_hour(table.next_after(at(after), "seed")) == due


def test_a_day_that_never_comes_has_no_tick():
    table = Timetable(per_hour=1, hours_of_day=(0,), days_of_month=(31,), months=("FEB",))
    assert table.next_after(at("2026-01-01 00:00"), "seed") is None


@given(
    st.integers(1, 60),
    st.sets(st.integers(0, 23), min_size=1),
    st.sets(st.sampled_from(WEEKDAYS), min_size=1),
    st.sets(st.sampled_from(MONTHS)),
    st.integers(0, 10**15),
)
def test_ticks_come_in_their_hours_as_often_as_asked(
    per_hour: int, hours: set[int], days: set[str], months: set[str], start: int
):
    table = Timetable(
        per_hour=per_hour,
        hours_of_day=tuple(hours),
        days_of_week=tuple(days),
        months=tuple(months),
    )
    tick = table.next_after(Micros(start), "seed")
    assert tick is not None and tick > start
    shown = datetime.fromtimestamp(tick // SECOND, UTC)
    assert shown.hour in hours
    assert WEEKDAYS[shown.weekday()] in days
    assert not months or MONTHS[shown.month - 1] in months
    begin = Micros(tick // HOUR * HOUR - 1)
    ticks = 0
    while (found := table.next_after(begin, "seed")) is not None and found // HOUR == tick // HOUR:
        begin, ticks = found, ticks + 1
    assert ticks == per_hour


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"per_hour": 0}, "per-hour"),
        ({"per_hour": 61}, "per-hour"),
        ({"hours_of_day": ()}, "hours-of-day"),
        ({"hours_of_day": (25,)}, "hours-of-day"),
        ({"days_of_week": ()}, "either days-of-week or days-of-month"),
        ({"days_of_month": (1,)}, "either days-of-week or days-of-month"),
        ({"days_of_week": (), "days_of_month": (0,)}, "between 1 and 31"),
        ({"days_of_week": ("ANY",)}, "days-of-week"),
        ({"months": ("ANY",)}, "months"),
    ],
)
def test_a_timetable_that_makes_no_sense_is_refused(changes: dict[str, object], words: str):
    values = {"per_hour": 1, "hours_of_day": (1,), "days_of_week": ("MON",), **changes}
    with pytest.raises(Invalid, match=words):
        Timetable(**values)  # type: ignore[arg-type]
