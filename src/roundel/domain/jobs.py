"""Jobs and their executions: one job, one execution per parallel node and attempt."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from roundel.domain.clock import Micros
from roundel.domain.errors import IllegalMove
from roundel.domain.ids import ExecutionId, JobId, ProjectId, RunnerId, WorkflowId
from roundel.domain.plan import JobType
from roundel.domain.records import dataclass
from roundel.domain.resource_use import Sample


class JobStatus(StrEnum):
    """`status` of a job in the API (spec: enumerations)."""

    BLOCKED = "blocked"  # waits for the jobs that it requires
    ON_HOLD = "on_hold"  # an approval that waits for a person
    QUEUED = "queued"
    NOT_RUNNING = "not_running"  # claimed by a runner, not yet started
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"
    NOT_RUN = "not_run"
    TIMEDOUT = "timedout"
    INFRASTRUCTURE_FAIL = "infrastructure_fail"
    UNAUTHORIZED = "unauthorized"
    RETRIED = "retried"
    TERMINATED_UNKNOWN = "terminated-unknown"


_J = JobStatus
ENDED: frozenset[JobStatus] = frozenset(
    {
        _J.SUCCESS,
        _J.FAILED,
        _J.CANCELED,
        _J.NOT_RUN,
        _J.TIMEDOUT,
        _J.INFRASTRUCTURE_FAIL,
        _J.UNAUTHORIZED,
        _J.RETRIED,
        _J.TERMINATED_UNKNOWN,
    }
)
FAILURES: frozenset[JobStatus] = frozenset(
    {_J.FAILED, _J.TIMEDOUT, _J.INFRASTRUCTURE_FAIL, _J.TERMINATED_UNKNOWN}
)
_RESULTS = frozenset({_J.SUCCESS, _J.CANCELED}) | FAILURES

JOB_MOVES: Mapping[JobStatus, frozenset[JobStatus]] = {
    # success: a no-op job; failed: what it needs is missing (a context, a plan entry)
    _J.BLOCKED: frozenset(
        {_J.QUEUED, _J.ON_HOLD, _J.SUCCESS, _J.FAILED, _J.NOT_RUN, _J.CANCELED, _J.UNAUTHORIZED}
    ),
    _J.ON_HOLD: frozenset({_J.SUCCESS, _J.CANCELED, _J.NOT_RUN}),
    _J.QUEUED: frozenset(
        # success: a lock, once its turn has come
        {_J.NOT_RUNNING, _J.RUNNING, _J.CANCELED, _J.FAILED, _J.INFRASTRUCTURE_FAIL, _J.SUCCESS}
    ),
    # queued again: the lease was lost before a step had started
    _J.NOT_RUNNING: frozenset({_J.RUNNING, _J.QUEUED}) | _RESULTS,
    _J.RUNNING: frozenset({_J.QUEUED, _J.RETRIED}) | _RESULTS,
    **dict.fromkeys(ENDED, frozenset[JobStatus]()),
}


def check_move(name: str, before: JobStatus, to: JobStatus) -> None:
    """Refuse a move that the table does not have."""
    if to not in JOB_MOVES[before]:
        raise IllegalMove(f"job {name!r} cannot go from {before} to {to}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job of a workflow.  `number` is taken when it is queued or approved."""

    id: JobId
    project_id: ProjectId
    workflow_id: WorkflowId
    name: str
    type: JobType
    status: JobStatus
    plan_key: str | None  # the key into the stored plan's jobs; None for an approval
    number: int | None = None
    parallelism: int = 1
    resource_class: str | None = None
    executor: str = "docker"
    approved_by: str | None = None
    canceled_by: str | None = None
    message: str | None = None  # why it failed or waits, in plain words
    created_at: Micros
    queued_at: Micros | None = None
    started_at: Micros | None = None
    stopped_at: Micros | None = None


class ExecutionStatus(StrEnum):
    """Where one node of a job is.  The queue is the rows in `queued`."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    TIMEDOUT = "timedout"
    CANCELED = "canceled"
    INFRASTRUCTURE_FAIL = "infrastructure_fail"


_E = ExecutionStatus
EXECUTION_ENDED: frozenset[ExecutionStatus] = frozenset(
    {_E.SUCCESS, _E.FAILED, _E.TIMEDOUT, _E.CANCELED, _E.INFRASTRUCTURE_FAIL}
)
EXECUTION_MOVES: Mapping[ExecutionStatus, frozenset[ExecutionStatus]] = {
    _E.QUEUED: frozenset({_E.CLAIMED, _E.CANCELED, _E.FAILED, _E.INFRASTRUCTURE_FAIL}),
    _E.CLAIMED: frozenset({_E.RUNNING, _E.QUEUED}) | EXECUTION_ENDED,
    _E.RUNNING: frozenset({_E.QUEUED}) | EXECUTION_ENDED,
    **dict.fromkeys(EXECUTION_ENDED, frozenset[ExecutionStatus]()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One node and attempt of a job, with the lease of the runner that has it."""

    id: ExecutionId
    job_id: JobId
    node: int
    attempt: int
    status: ExecutionStatus
    resource_class: str | None
    lane: str = ""  # the queue that it waits in
    runner_id: RunnerId | None = None
    fence: int = 0
    lease_until: Micros | None = None
    deadline: Micros | None = None  # the job's time limit, set when it is claimed
    canceling: bool = False  # somebody asked for its end
    created_at: Micros
    started_at: Micros | None = None
    stopped_at: Micros | None = None


# Worst last: a job with several nodes is what its worst node is.
_SEVERITY = (_E.SUCCESS, _E.CANCELED, _E.TIMEDOUT, _E.FAILED, _E.INFRASTRUCTURE_FAIL)


def merged(nodes: "list[ExecutionStatus]") -> JobStatus | None:
    """Return what the ended nodes make of their job, or None while one is still under way."""
    if not all(status in EXECUTION_ENDED for status in nodes):
        return None
    return JobStatus(max(nodes, key=_SEVERITY.index).value)


class Jobs(Protocol):
    """Where jobs are kept."""

    def add(self, jobs: Sequence[Job]) -> None: ...

    def get(self, job_id: JobId) -> Job | None: ...

    def several(self, job_ids: Sequence[JobId]) -> Sequence[Job]:
        """Return those of these jobs that are there, in the same order."""

    def number_before(self, project_id: ProjectId, branch: str, number: int) -> int | None:
        """Return the largest job number below `number` on a branch, if it is not long past."""

    def save(self, job: Job, before: JobStatus) -> None:
        """Save unless its status is no longer `before`."""

    def save_all(self, jobs: Sequence[Job], before: JobStatus) -> None:
        """Save several as `save` does."""

    def begin(self, job_id: JobId, at: Micros) -> None:
        """Let a job that was claimed be running; one that stands elsewhere stays there."""


class Claims(Protocol):
    """Leases queued executions.  Who changes the queue in between says so by `look_anew`."""

    def next(
        self, *, runner: RunnerId, lanes: Sequence[str], lease_until: Micros, deadline: Micros
    ) -> Execution | None:
        """Lease a queued execution of these lanes to `runner` under a new fence.

        Projects take turns; of one project the oldest comes first.
        """

    def look_anew(self) -> None:
        """Find out again whose turn it is."""


class Executions(Protocol):
    """Where executions are kept.  Those in `queued` are the queue."""

    def add(self, executions: Sequence[Execution]) -> None: ...

    def get(self, execution_id: ExecutionId) -> Execution | None: ...

    def claims(self) -> Claims:
        """Return what leases queued executions, one after another in this transaction."""

    def save(self, execution: Execution, before: ExecutionStatus) -> None:
        """Save unless its status is no longer `before`."""

    def renew(self, execution_id: ExecutionId, lease_until: Micros) -> None: ...

    def measured(self, execution_id: ExecutionId, samples: Sequence[Sample]) -> None:
        """Add samples of what an execution uses; those that are known already change nothing."""

    def of_job(self, job_id: JobId) -> Sequence[Execution]:
        """Return the newest attempt of each node."""

    def lapsed(self, now: Micros, limit: int) -> Sequence[Execution]:
        """Return claimed and running ones whose lease ran out, or whose deadline is over."""

    def leased_to(self, runner: RunnerId) -> Sequence[Execution]:
        """Return the claimed and running ones of a runner."""

    def prolong_leases(self, until: Micros) -> int:
        """Give every lease time until `until` at least: nobody could renew while we were away."""

    def turn_clock(self, until: Micros, by: int) -> None:
        """Let every lease end at `until`: the clock was turned by so much.

        Deadlines move with a clock that jumped ahead.  One that was turned back leaves them: the
        servers of a machine may all notice it, and a job must not be ended early.
        """


MACHINE_LANE = "machine"
_OTHER_SYSTEMS = re.compile(r"windows\..*|macos\..*|m[0-9]+(pro)?\..*")


def lane_of(resource_class: str | None, executor: str = "docker") -> str:
    """Return the queue for a class and an executor: who serves one may not serve another.

    `ns/name` has a queue of its own, and so has each class of another operating system.  All other
    machines share one, and all containers share the one named ''.
    """
    name = resource_class or ""
    if "/" in name or _OTHER_SYSTEMS.fullmatch(name):
        return name
    if executor == "macos":
        return name or executor
    return MACHINE_LANE if executor == MACHINE_LANE else ""
