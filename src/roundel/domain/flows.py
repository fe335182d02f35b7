"""What a workflow does next: a pure function from what is to a list of decisions.

Rules: spec, job run time section 10 (start rule and derived statuses).
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Protocol, TypeAlias

from roundel.domain.jobs import ENDED, FAILURES, JobStatus
from roundel.domain.plan import JobType, Requirement
from roundel.domain.records import dataclass


class WorkflowStatus(StrEnum):
    """`status` of a workflow in the API."""

    RUNNING = "running"
    ON_HOLD = "on_hold"
    FAILING = "failing"
    SUCCESS = "success"
    FAILED = "failed"
    ERROR = "error"
    CANCELED = "canceled"
    UNAUTHORIZED = "unauthorized"
    NOT_RUN = "not_run"


_W = WorkflowStatus
WORKFLOW_ENDED: frozenset[WorkflowStatus] = frozenset(
    {_W.SUCCESS, _W.FAILED, _W.ERROR, _W.CANCELED, _W.UNAUTHORIZED, _W.NOT_RUN}
)
_OPEN = frozenset({_W.RUNNING, _W.ON_HOLD, _W.FAILING})
WORKFLOW_MOVES: Mapping[WorkflowStatus, frozenset[WorkflowStatus]] = {
    **{status: (_OPEN - {status}) | WORKFLOW_ENDED for status in _OPEN},
    **dict.fromkeys(WORKFLOW_ENDED, frozenset[WorkflowStatus]()),
}


class Standing(Protocol):
    """An invocation as it stands, in whatever record it comes."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> JobType: ...
    @property
    def status(self) -> JobStatus | None: ...
    @property
    def requires(self) -> tuple[Requirement, ...]: ...
    @property
    def excluded(self) -> object: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One invocation as it stands.  `excluded` ones have no job and count as absent."""

    name: str
    type: JobType
    status: JobStatus
    requires: tuple[Requirement, ...] = ()
    excluded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A workflow as it stands.  `canceling`: somebody asked for its end.

    It may be a part of a workflow: `judged` are those of its slots that all requirements are here
    of, and the others are only looked at.
    """

    slots: Sequence[Standing]
    canceling: bool = False
    judged: Collection[str] | None = None  # None: all


@dataclass(frozen=True, slots=True)
class Start:
    """All that the job requires has happened: queue it."""

    job: str


@dataclass(frozen=True, slots=True)
class Hold:
    """An approval is due: wait for a person."""

    job: str


@dataclass(frozen=True, slots=True)
class Pass:
    """A job that uses no machine is due: it succeeds at once."""

    job: str


@dataclass(frozen=True, slots=True)
class Drop:
    """A requirement can no longer be met: the job will not run."""

    job: str


Decision: TypeAlias = Start | Hold | Pass | Drop


def advance(flow: Flow) -> list[Decision]:
    """Return what to do now, in the order of the config.

    Deciding again on the outcome finds nothing to do, so it may be called any number of times.
    Drops cascade within one call: a job that requires a dropped one is judged with that in mind.
    """
    status = {slot.name: slot.status for slot in flow.slots if slot.status and not slot.excluded}
    blocked = {
        slot.name: slot
        for slot in flow.slots
        if status.get(slot.name) is JobStatus.BLOCKED
        and (flow.judged is None or slot.name in flow.judged)
    }
    followers: dict[str, list[str]] = {}
    for slot in blocked.values():
        for need in slot.requires:
            followers.setdefault(need.job, []).append(slot.name)
    decisions: dict[str, Decision] = {}
    waiting = list(reversed(blocked))
    while waiting:
        slot = blocked[waiting.pop()]
        if slot.name in decisions:
            continue
        decision = _decide(slot, flow, status)
        if decision is None:
            continue
        decisions[slot.name] = decision
        if isinstance(decision, Drop):
            status[slot.name] = JobStatus.NOT_RUN
            waiting += followers.get(slot.name, ())
    return [decisions[name] for name in blocked if name in decisions]


def _decide(slot: Standing, flow: Flow, status: Mapping[str, JobStatus]) -> Decision | None:
    if flow.canceling:
        return Drop(slot.name)
    present = [need for need in slot.requires if need.job in status]
    if slot.requires and not present:
        return Drop(slot.name)  # all that it required was filtered out
    if any(_impossible(need, status[need.job]) for need in present):
        return Drop(slot.name)
    if not all(_met(need, status[need.job]) for need in present):
        return None
    match slot.type:
        case JobType.APPROVAL:
            return Hold(slot.name)
        case JobType.BUILD | JobType.RELEASE:
            return Start(slot.name)
        case JobType.NO_OP | JobType.LOCK | JobType.UNLOCK:
            return Pass(slot.name)


def _met(need: Requirement, status: JobStatus) -> bool:
    return status in ENDED and _as_requirement(status) in need.statuses


def _impossible(need: Requirement, status: JobStatus) -> bool:
    return status in ENDED and _as_requirement(status) not in need.statuses


def _as_requirement(status: JobStatus) -> str:
    """Return the word that `requires:` uses for `status`: every failure is `failed`."""
    return JobStatus.FAILED.value if status in FAILURES else status.value


def rules_out(slot: Standing, job: str, status: JobStatus) -> bool:
    """Tell whether `slot` can no longer run because `job`, which it requires, ended like this."""
    return any(need.job == job and _impossible(need, status) for need in slot.requires)


def status_of(flow: Flow) -> WorkflowStatus:
    """Return what the workflow is called while its jobs stand as they do."""
    jobs = {slot.status for slot in flow.slots if slot.status and not slot.excluded}
    return called(jobs, canceling=flow.canceling)


def called(jobs: Collection[JobStatus], *, canceling: bool) -> WorkflowStatus:
    """Return what a workflow is called that has jobs in these statuses, however many of each."""
    open_jobs = [job for job in jobs if job not in ENDED]
    failed = any(job in FAILURES for job in jobs)
    waiting_only = all(job in (JobStatus.ON_HOLD, JobStatus.BLOCKED) for job in open_jobs)
    if open_jobs:
        if failed:
            return _W.FAILING
        if waiting_only and JobStatus.ON_HOLD in open_jobs:
            return _W.ON_HOLD
        return _W.RUNNING
    if canceling or JobStatus.CANCELED in jobs:
        return _W.CANCELED
    if JobStatus.UNAUTHORIZED in jobs:
        return _W.UNAUTHORIZED
    if failed:
        return _W.FAILED
    return _W.SUCCESS
