"""Cron lines: five fields, in UTC."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from roundel.domain.clock import MINUTE, SECOND, Micros
from roundel.domain.errors import Invalid

_DAYS_AHEAD = 8 * 366 + 1  # from one 29 February to the next there may be eight years
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_NO_NAMES: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """When a line is due.  Days count by month or week where both are given, as cron has it."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0 is Sunday
    any_day: bool
    any_weekday: bool

    def next_after(self, at: Micros) -> Micros | None:
        """Return the first tick after `at`, None if there is none within years."""
        began = datetime.fromtimestamp(at // SECOND, UTC)
        for day in days_from(began.date(), _DAYS_AHEAD):
            if not self._falls_on(day):
                continue
            for hour in self.hours:
                for minute in self.minutes:
                    tick = moment(day, hour) + minute * MINUTE
                    if tick > at:
                        return Micros(tick)
        return None

    def _falls_on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_month, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return by_month and by_week
        return by_month or by_week


def days_from(first: date, count: int) -> Iterator[date]:
    """Yield `count` days."""
    for number in range(count):
        yield first + timedelta(days=number)


def moment(day: date, hour: int) -> int:
    """Return when an hour of a day begins, in microseconds."""
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp()) * SECOND


def parse_cron(line: str) -> Cron:
    """Read five fields; refuse anything else with what is wrong."""
    fields = line.split()
    if len(fields) != 5:
        raise Invalid(f"cron: expected 5 fields, got {len(fields)} in {line[:80]!r}")
    minutes, hours, days, months, weekdays = fields
    months_by_name = {name: number for number, name in enumerate(_MONTHS, start=1)}
    days_by_name = {name: number for number, name in enumerate(_WEEKDAYS)}
    return Cron(
        minutes=tuple(sorted(_values(minutes, 0, 59, _NO_NAMES))),
        hours=tuple(sorted(_values(hours, 0, 23, _NO_NAMES))),
        days=frozenset(_values(days, 1, 31, _NO_NAMES)),
        months=frozenset(_values(months, 1, 12, months_by_name)),
        weekdays=frozenset(day % 7 for day in _values(weekdays, 0, 7, days_by_name)),
        any_day=days == "*",
        any_weekday=weekdays == "*",
    )


def _values(field: str, low: int, high: int, names: Mapping[str, int]) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            start, end = low, high
        else:
            start = _number(first, names, field)
            end = _number(last, names, field) if dash else high if slash else start
        every = _number(step, _NO_NAMES, field) if slash else 1
        if not low <= start <= end <= high or every < 1:
            raise Invalid(f"cron: {part[:40]!r} is not within {low} to {high}")
        found.update(range(start, end + 1, every))
    return found


def _number(text: str, names: Mapping[str, int], field: str) -> int:
    named = names.get(text.upper())
    if named is not None:
        return named
    if not (text.isascii() and text.isdigit() and len(text) <= 2):
        raise Invalid(f"cron: cannot read {field[:40]!r}")
    return int(text)
