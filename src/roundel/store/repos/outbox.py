"""What must leave us."""

from roundel.domain.outbox import OutboxEvent
from roundel.store.dialect import Sql
from roundel.store.rows import json_text


class SqlOutbox:
    """Implements `domain.outbox.Outbox`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, event: OutboxEvent) -> None:
        """Keep an event for its delivery."""
        self._sql.run(
            "INSERT INTO outbox (id, kind, project_id, subject, facts, created_at)"
            " VALUES (:id, :kind, :project_id, :subject, :facts, :at)",
            id=event.id,
            kind=event.kind.value,
            project_id=event.project_id,
            subject=event.subject,
            facts=json_text(event.facts),
            at=event.at,
        )
