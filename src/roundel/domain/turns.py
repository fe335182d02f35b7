"""Turns: serial groups and locks, for which jobs of several workflows wait in line."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from roundel.domain.clock import HOUR, Micros
from roundel.domain.ids import JobId, OrganizationId, WorkflowId
from roundel.domain.records import dataclass

LONGEST_WAIT = 5 * HOUR


class TurnKind(StrEnum):
    """What is waited for."""

    SERIAL = "serial"  # a serial group of the organisation: ends with the job, or its job group
    LOCK = "lock"  # a lock of the project: ends with its unlock, or with the workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A job's place in a line.  Jobs with one holder have their turn together.

    `rank` orders the line: of a serial group the age of the pipeline, of a lock that of the wish.
    """

    job_id: JobId
    workflow_id: WorkflowId
    organization_id: OrganizationId
    kind: TurnKind
    key: str
    holder: str
    rank: int
    held: bool
    asked_at: Micros


class Tickets(Protocol):
    """Where tickets are kept."""

    def add(self, ticket: Ticket) -> None: ...

    def get(self, job_id: JobId) -> Ticket | None: ...

    def of_workflow(self, workflow_id: WorkflowId) -> Sequence[Ticket]: ...

    def line(self, organization_id: OrganizationId, kind: TurnKind, key: str) -> Sequence[Ticket]:
        """Return those who have their turn, then those who wait, in the order of their ranks."""

    def hold(self, job_id: JobId) -> None:
        """Note that it is this job's turn."""

    def remove(self, job_id: JobId) -> None: ...

    def newest_rank(self, organization_id: OrganizationId, group: str) -> int:
        """Return the highest rank that ever had its turn in a serial group, 0 if none had."""

    def note_rank(self, organization_id: OrganizationId, group: str, rank: int) -> None:
        """Note that this rank has had its turn."""
