"""Schedules: pipelines that start by the clock, from the API or from a config."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from roundel.domain.clock import HOUR, MINUTE, SECOND, Micros
from roundel.domain.errors import Invalid
from roundel.domain.ids import CronTriggerId, PersonId, ProjectId, ScheduleId
from roundel.domain.plan import Json
from roundel.domain.records import dataclass

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
SPREAD = 10 * MINUTE  # schedules of one hour do not all start with it
_DAYS_AHEAD = 8 * 366 + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """When a schedule is due: so often in each of these hours on each of these days, in UTC."""

    per_hour: int
    hours_of_day: tuple[int, ...]
    days_of_week: tuple[str, ...] = ()
    days_of_month: tuple[int, ...] = ()
    months: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.per_hour <= 60:
            raise Invalid("timetable: per-hour must be between 1 and 60")
        if not self.hours_of_day or not all(0 <= hour <= 24 for hour in self.hours_of_day):
            raise Invalid("timetable: hours-of-day must be one or more hours between 0 and 24")
        if bool(self.days_of_week) == bool(self.days_of_month):
            raise Invalid("timetable: give either days-of-week or days-of-month")
        if not all(1 <= day <= 31 for day in self.days_of_month):
            raise Invalid("timetable: days-of-month must be between 1 and 31")
        if not set(self.days_of_week) <= set(WEEKDAYS):
            raise Invalid(f"timetable: days-of-week must be of {', '.join(WEEKDAYS)}")
        if not set(self.months) <= set(MONTHS):
            raise Invalid(f"timetable: months must be of {', '.join(MONTHS)}")

    def next_after(self, at: Micros, seed: str) -> Micros | None:
        """Return the first tick after `at`, None if there is none within years.

        `seed` makes the delay by which this schedule starts late, always the same.
        """
        gap = HOUR // self.per_hour
        delay = _delay(seed, min(SPREAD, gap))
        hours = sorted({hour % 24 for hour in self.hours_of_day})
        for day in _days_from(datetime.fromtimestamp(at // SECOND, UTC).date(), _DAYS_AHEAD):
            if not self._falls_on(day):
                continue
            for hour in hours:
                for number in range(self.per_hour):
                    tick = _moment(day, hour) + number * gap + delay
                    if tick > at:
                        return Micros(tick)
        return None

    def _falls_on(self, day: date) -> bool:
        if self.months and MONTHS[day.month - 1] not in self.months:
            return False
        if self.days_of_month:
            return day.day in self.days_of_month
        return WEEKDAYS[day.weekday()] in self.days_of_week


def _days_from(first: date, count: int) -> Iterator[date]:
    for number in range(count):
        yield first + timedelta(days=number)


def _moment(day: date, hour: int) -> int:
    """Return when an hour of a day begins, in microseconds."""
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp()) * SECOND


def _delay(seed: str, below: int) -> int:
    digest = hashlib.sha256(seed.encode()).digest()
    return int.from_bytes(digest[:6]) % (below // SECOND) * SECOND


class Attribution(StrEnum):
    """Whose doing the pipelines are."""

    CURRENT = "current"  # of the person who made or last changed the schedule
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributed:
    """Who stands behind the pipelines of a schedule."""

    id: PersonId
    login: str
    name: str


SYSTEM = Attributed(
    id=PersonId("d9b3fcaa-6032-405a-8c75-40079ce33c3e"), login="system-actor", name="Scheduled"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule made through the API.  `next_at` is None once there is no further tick."""

    id: ScheduleId
    project_id: ProjectId
    name: str
    description: str | None
    timetable: Timetable
    parameters: Mapping[str, Json]  # with the branch or tag
    attribution: Attribution
    actor: Attributed
    next_at: Micros | None
    created_at: Micros
    updated_at: Micros

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise Invalid("name: a schedule must have one")
        refs = [name for name in ("branch", "tag") if self.parameters.get(name)]
        if len(refs) != 1:
            raise Invalid("parameters: give either branch or tag")
        if not isinstance(self.parameters[refs[0]], str):
            raise Invalid(f"parameters: {refs[0]} must be a text")


@dataclass(frozen=True, slots=True, kw_only=True)
class CronTrigger:
    """A workflow with `triggers` in the config of a branch."""

    id: CronTriggerId
    project_id: ProjectId
    branch: str
    workflow: str
    cron: str
    actor_id: PersonId | None
    actor_login: str
    next_at: Micros | None


class Schedules(Protocol):
    """Where schedules are kept."""

    def add(self, schedule: Schedule) -> None: ...

    def get(self, schedule_id: ScheduleId) -> Schedule | None: ...

    def save(self, schedule: Schedule) -> None: ...

    def remove(self, schedule_id: ScheduleId) -> None: ...


class CronTriggers(Protocol):
    """Where the schedules of configs are kept."""

    def add(self, trigger: CronTrigger) -> None: ...

    def get(self, trigger_id: CronTriggerId) -> CronTrigger | None: ...

    def of_branch(self, project_id: ProjectId, branch: str) -> Sequence[CronTrigger]: ...

    def save(self, trigger: CronTrigger) -> None:
        """Save when it is due next."""

    def remove(self, trigger_id: CronTriggerId) -> None: ...
