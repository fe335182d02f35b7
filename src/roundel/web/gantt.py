"""A workflow over time: when each job waited, and when it ran."""

from collections.abc import Sequence

from roundel.domain.clock import SECOND, Micros
from roundel.domain.ids import JobId
from roundel.domain.jobs import Job
from roundel.domain.records import dataclass
from roundel.domain.views import SlotView
from roundel.web.times import span

WIDTH = 1000  # units of the drawing's width
ROW = 26
HEAD = 22
MOST_ROWS = 200
MOST_MARKS = 8
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One job's row; lengths are in units of the drawing."""

    job: Job
    y: int
    queued_x: float
    queued_width: float
    x: float
    width: float
    critical: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A line of the time scale."""

    x: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All that is drawn; `left_out` jobs have no row of their own."""

    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    height: int
    left_out: int


def timeline(
    slots: Sequence[SlotView], begin: Micros, end: Micros, critical: frozenset[JobId]
) -> Timeline:
    """Return the jobs that have begun, in the order in which they did."""
    begun = [slot.job for slot in slots if (slot.job.queued_at or slot.job.started_at)]
    kept = [job for job in begun if job.stopped_at is None or job.stopped_at >= begin]
    kept.sort(key=lambda job: (job.started_at or job.queued_at or end, job.name))
    begin = min([begin, *(job.queued_at for job in kept if job.queued_at is not None)])
    length = max(end - begin, SECOND)

    def at(time: Micros | None) -> float:
        time = end if time is None else time
        return round((min(max(time, begin), end) - begin) / length * WIDTH, 1)

    bars = []
    for row, job in enumerate(kept[:MOST_ROWS]):
        queued = at(job.queued_at or job.started_at)
        x = at(job.started_at or job.stopped_at)
        bars.append(
            Bar(
                job=job,
                y=HEAD + row * ROW,
                queued_x=queued,
                queued_width=max(0.0, round(x - queued, 1)),
                x=x,
                width=max(2.0, round(at(job.stopped_at) - x, 1)) if job.started_at else 0.0,
                critical=job.id in critical,
            )
        )
    return Timeline(
        bars=tuple(bars),
        marks=tuple(_marks(length)),
        height=HEAD + ROW * len(bars) + 4,
        left_out=len(begun) - len(bars),
    )


def _marks(length: int) -> list[Mark]:
    seconds = length / SECOND
    step = next((it for it in _STEPS if seconds / it <= MOST_MARKS), _STEPS[-1])
    count = min(int(seconds // step), 4 * MOST_MARKS)
    return [
        Mark(x=round(number * step / seconds * WIDTH, 1), label=_label(number * step))
        for number in range(count + 1)
    ]


def _label(seconds: int) -> str:
    return "0" if seconds == 0 else span(seconds * SECOND).replace(".0s", "s").replace(" 00s", "")
