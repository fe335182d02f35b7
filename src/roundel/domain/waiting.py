"""Why a job waits: what stands before it, in facts and in one sentence."""

from collections.abc import Iterable
from enum import StrEnum
from heapq import heapreplace

from roundel.domain.clock import Micros
from roundel.domain.ids import JobId
from roundel.domain.jobs import JobStatus
from roundel.domain.records import dataclass


class Cause(StrEnum):
    """What a job waits for."""

    NOTHING = "nothing"  # it runs, or has ended
    REQUIREMENT = "requirement"
    APPROVAL = "approval"
    SERIAL_GROUP = "serial-group"
    LOCK = "lock"
    LIMIT = "limit"  # of its project or organisation
    SLOT = "slot"
    RUNNER = "runner"  # nobody serves its class


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A job that another one waits for."""

    id: JobId
    name: str
    status: JobStatus
    number: int | None
    project_slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many executions a runner has, how many wait for one, since when the oldest of those."""

    at_work: int
    waiting: int
    oldest: Micros | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The answer.  `position` counts from 1; `expected_start` is a guess from recent jobs."""

    job_id: JobId
    name: str
    status: JobStatus
    cause: Cause
    sentence: str
    before: tuple[Before, ...] = ()
    position: int | None = None
    expected_start: Micros | None = None
    resource_class: str | None = None
    idle_queue: str | None = None  # the queue it waits in, where nobody is at work on that
    classes: tuple[str, ...] = ()  # those that there are, where the job's own is not one


def left_of(usual: int, started_at: Micros | None, now: Micros) -> int:
    """Return how much longer a job is thought to run: never less than nothing."""
    return usual if started_at is None else min(usual, max(0, usual - (now - started_at)))


def until_start(left: Iterable[int], usual: int, position: int) -> int:
    """Return how long the job at this position waits where each in line takes the first free slot.

    `left` is how much longer the slots are taken, at least one of them; those ahead in line run as
    long as is usual.
    """
    free = sorted(left)
    for _ in range(position - 1):
        heapreplace(free, free[0] + usual)
    return free[0]
