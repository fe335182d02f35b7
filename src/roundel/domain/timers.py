"""Due work: everything timed is a row, taken by a tick in the way that a runner takes a job."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from roundel.domain.clock import Micros
from roundel.domain.ids import TimerId
from roundel.domain.records import dataclass


class TimerKind(StrEnum):
    """What is to be done when the time has come; `subject` is the id of what it is about."""

    COMPILE = "compile"  # a pipeline: fetch its config, compile it, create its workflows
    APPROVAL_EXPIRY = "approval-expiry"  # a job on hold: nobody came for 90 days
    WORKFLOW_EXPIRY = "workflow-expiry"  # a workflow: it did not end within 90 days
    TURN_EXPIRY = "turn-expiry"  # a job in line for a serial group or a lock: 5 hours are over
    SCHEDULE = "schedule"  # a schedule of the API: trigger its pipeline
    CRON = "cron"  # a workflow that its config schedules: run it
    SEAL_LOGS = "seal-logs"  # an ended execution: put its larger outputs into objects
    DELIVER = "deliver"  # a webhook and a workflow: send what waits, one after the other
    GIT_DELIVERY = "git-delivery"  # a message of a git host: start what it asks for
    GIT_LOOK = "git-look"  # a project: see whether its repository has news
    GIT_STATUS = "git-status"  # a project: tell its host how workflows and jobs stand
    EXPORT_SPANS = "export-spans"  # an exporter: send what its collector has not heard of
    USAGE_EXPORT = "usage-export"  # an export: write its file
    SWEEP_STORAGE = "sweep-storage"  # every hour: remove what jobs left and nobody may use now


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """One piece of due work.  `attempts` counts how often it has been taken.

    With an `owner` it is taken by that process from the start, until `run_at`.
    """

    id: TimerId
    kind: TimerKind
    subject: str
    run_at: Micros
    attempts: int = 0
    owner: str | None = None


class Timers(Protocol):
    """Where timers are kept."""

    def add(self, timer: Timer) -> None: ...

    def add_once(self, timer: Timer) -> None:
        """Add it unless there is one of its kind for its subject."""

    def take_due(self, *, now: Micros, until: Micros, owner: str, limit: int) -> Sequence[Timer]:
        """Take timers that are due; nobody else gets them before `until`."""

    def free_orphans(self, *, alive_since: Micros, now: Micros) -> int:
        """Make due what servers took that have not been seen since then; return how many."""

    def postpone(self, kind: TimerKind, subject: str, run_at: Micros) -> None:
        """Give the work back that could not be done now; it falls due again at `run_at`."""

    def remove(self, timer_id: TimerId) -> None: ...

    def remove_for(self, kind: TimerKind, subject: str) -> None: ...
