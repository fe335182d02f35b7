"""What must leave us: a row written in the transaction that made it true."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from roundel.domain.clock import Micros
from roundel.domain.ids import ProjectId
from roundel.domain.plan import Json
from roundel.domain.records import dataclass


class EventKind(StrEnum):
    """Event names of outgoing webhooks."""

    WORKFLOW_COMPLETED = "workflow-completed"
    JOB_COMPLETED = "job-completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEvent:
    """Something that happened, for those outside.  `facts` are what was true at that moment."""

    id: str
    kind: EventKind
    project_id: ProjectId
    subject: str
    facts: Mapping[str, Json]
    at: Micros


class Outbox(Protocol):
    """Where events wait for their delivery."""

    def add(self, event: OutboxEvent) -> None: ...

    def take(self, limit: int) -> Sequence[OutboxEvent]:
        """Remove the oldest events and return them; they stay if the transaction fails."""
