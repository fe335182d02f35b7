"""Insights: figures about ended runs, kept by the day and by the hour, and put together on demand.

Everything here is arithmetic.  Durations are milliseconds inside; a distribution is kept as
counts in buckets whose borders grow by 2 %, so a percentile is right to 1 % however many days
are put together.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import StrEnum

from roundel.domain.clock import DAY, HOUR, Micros
from roundel.domain.ids import ProjectId
from roundel.domain.records import dataclass

ALL = "*"  # in place of a branch: all of them; no branch can be called that
WHOLE = ""  # in place of a job: the run as a whole; in place of a workflow: all of them

HOURS_KEPT = 3 * DAY
LONGEST_RANGE = 90 * DAY
FLAKY_FOR = 14 * DAY
RECENT_TEST_RUNS = 10

_GROWTH = math.log(1.02)

# Compute units a minute by resource class, as CircleCI counts credits for Docker machines; what
# is not listed counts as the default class does.
RATES: Mapping[str, int] = {
    "small": 5,
    "medium": 10,
    "medium+": 15,
    "large": 20,
    "xlarge": 40,
    "2xlarge": 80,
    "2xlarge+": 100,
}
DEFAULT_RATE = 10
_MINUTE_MS = 60_000


class Grain(StrEnum):
    """The length of the interval that one record is about."""

    HOUR = "hour"
    DAY = "day"


LENGTH: Mapping[Grain, int] = {Grain.HOUR: HOUR, Grain.DAY: DAY}


class Window(StrEnum):
    """`reporting-window` of the API."""

    DAY = "last-24-hours"
    WEEK = "last-7-days"
    MONTH = "last-30-days"
    TWO_MONTHS = "last-60-days"
    QUARTER = "last-90-days"


DAYS: Mapping[Window, int] = {
    Window.DAY: 1,
    Window.WEEK: 7,
    Window.MONTH: 30,
    Window.TWO_MONTHS: 60,
    Window.QUARTER: 90,
}
WITH_TRENDS = frozenset({Window.DAY, Window.WEEK, Window.MONTH})


class Outcome(StrEnum):
    """How a run ended, as far as figures tell the ways apart."""

    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One ended run of a workflow, or of a job in it."""

    project_id: ProjectId
    workflow: str
    job: str  # WHOLE for the workflow
    branch: str
    outcome: Outcome
    duration_ms: int
    credits: int
    started_at: Micros
    ended_at: Micros
    recoveries: int = 0  # failures before it, of its workflow and branch, that it ends
    recovery_ms: int = 0  # how long those took to be made good, together


@dataclass(slots=True, kw_only=True)
class Figures:
    """What is known of many runs at once."""

    runs: int = 0
    successes: int = 0
    failures: int = 0
    canceled: int = 0
    credits: int = 0
    recoveries: int = 0
    recovery_ms: int = 0
    duration_ms: int = 0
    squares: float = 0.0  # of seconds
    shortest_ms: int | None = None
    longest_ms: int | None = None
    durations: dict[int, int] = field(default_factory=dict)
    spent: dict[int, int] = field(default_factory=dict)
    first_at: int | None = None
    last_at: int | None = None

    def add(self, sample: Sample) -> None:
        """Count one more run."""
        self.runs += 1
        self.successes += sample.outcome is Outcome.SUCCESS
        self.failures += sample.outcome is Outcome.FAILED
        self.canceled += sample.outcome is Outcome.CANCELED
        self.credits += sample.credits
        self.recoveries += sample.recoveries
        self.recovery_ms += sample.recovery_ms
        self.first_at = _least(self.first_at, sample.started_at)
        self.last_at = _most(self.last_at, sample.ended_at)
        _count(self.spent, sample.credits, 1)
        if sample.outcome is Outcome.CANCELED:
            return  # when somebody lost patience says nothing about how long it takes
        self.duration_ms += sample.duration_ms
        self.squares += (sample.duration_ms / 1000) ** 2
        self.shortest_ms = _least(self.shortest_ms, sample.duration_ms)
        self.longest_ms = _most(self.longest_ms, sample.duration_ms)
        _count(self.durations, sample.duration_ms, 1)

    @property
    def timed(self) -> int:
        """Return how many of the runs count for durations."""
        return self.runs - self.canceled

    @property
    def success_rate(self) -> float:
        return self.successes / self.timed if self.timed else 0.0

    @property
    def mttr_seconds(self) -> int:
        return round(self.recovery_ms / self.recoveries / 1000) if self.recoveries else 0

    @property
    def mean_seconds(self) -> int:
        return round(self.duration_ms / self.timed / 1000) if self.timed else 0

    @property
    def deviation_seconds(self) -> float:
        if not self.timed:
            return 0.0
        mean = self.duration_ms / self.timed / 1000
        return math.sqrt(max(0.0, self.squares / self.timed - mean * mean))

    def duration_seconds(self, share: float) -> float:
        """Return the duration that `share` of the runs do not exceed."""
        found = _percentile(self.durations, share)
        low, high = self.shortest_ms or 0, self.longest_ms or 0
        return min(max(found, low), high) / 1000

    @property
    def median_credits(self) -> int:
        return round(_percentile(self.spent, 0.5))


def together(many: Iterable[Figures]) -> Figures:
    """Return the figures of all the runs in `many`."""
    all_ = Figures()
    for one in many:
        all_.runs += one.runs
        all_.successes += one.successes
        all_.failures += one.failures
        all_.canceled += one.canceled
        all_.credits += one.credits
        all_.recoveries += one.recoveries
        all_.recovery_ms += one.recovery_ms
        all_.duration_ms += one.duration_ms
        all_.squares += one.squares
        all_.shortest_ms = _least(all_.shortest_ms, one.shortest_ms)
        all_.longest_ms = _most(all_.longest_ms, one.longest_ms)
        all_.first_at = _least(all_.first_at, one.first_at)
        all_.last_at = _most(all_.last_at, one.last_at)
        _merge(all_.durations, one.durations)
        _merge(all_.spent, one.spent)
    return all_


def trend(current: float, prior: float) -> float:
    """Return how a figure compares with the window before: 1.0 is no change, -1.0 infinitely."""
    if prior:
        return current / prior
    return -1.0 if current else 1.0


def compute_units(duration_ms: int, nodes: int, resource_class: str | None) -> int:
    """Return what a job used: its minutes on all nodes, weighed by the size of the machine."""
    rate = RATES.get((resource_class or "medium").removeprefix("arm."), DEFAULT_RATE)
    return math.ceil(duration_ms * nodes * rate / _MINUTE_MS)


def start_of(grain: Grain, at: Micros) -> Micros:
    """Return when the interval began in which `at` lies."""
    return Micros(at - at % LENGTH[grain])


def grain_of(window: Window) -> Grain:
    """Return by which intervals a window is put together."""
    return Grain.HOUR if window is Window.DAY else Grain.DAY


def since(window: Window, now: Micros, *, ago: int = 0) -> Micros:
    """Return the start of the first interval of a window, or of one that many windows before."""
    grain = grain_of(window)
    end = start_of(grain, now) + LENGTH[grain]
    return Micros(end - DAYS[window] * DAY * (1 + ago))


def _least(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def _most(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)


def _bucket(value: int) -> int:
    return 0 if value <= 0 else 1 + int(math.log(value) / _GROWTH)


def _middle(bucket: int) -> float:
    return 0.0 if bucket == 0 else math.exp((bucket - 0.5) * _GROWTH)


def _count(counts: dict[int, int], value: int, by: int) -> None:
    bucket = _bucket(value)
    counts[bucket] = counts.get(bucket, 0) + by


def _merge(into: dict[int, int], counts: Mapping[int, int]) -> None:
    for bucket, count in counts.items():
        into[bucket] = into.get(bucket, 0) + count


def _percentile(counts: Mapping[int, int], share: float) -> float:
    """Return the nearest-rank percentile, at the middle of its bucket."""
    wanted = math.ceil(share * sum(counts.values()))
    passed = 0
    for bucket in sorted(counts):
        passed += counts[bucket]
        if passed >= wanted:
            return _middle(bucket)
    return 0.0
