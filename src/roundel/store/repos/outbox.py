"""What must leave us."""

from collections.abc import Sequence

import msgspec

from roundel.domain.clock import Micros
from roundel.domain.ids import ProjectId
from roundel.domain.outbox import EventKind, OutboxEvent
from roundel.store.dialect import Sql
from roundel.store.rows import json_text


class SqlOutbox:
    """Implements `domain.outbox.Outbox`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, event: OutboxEvent) -> None:
        """Keep an event for its delivery."""
        self._sql.put(
            "INSERT INTO outbox (id, kind, project_id, subject, facts, created_at)"
            " VALUES (:id, :kind, :project_id, :subject, :facts, :at)",
            id=event.id,
            kind=event.kind.value,
            project_id=event.project_id,
            subject=event.subject,
            facts=json_text(event.facts),
            at=event.at,
        )

    def take(self, limit: int) -> Sequence[OutboxEvent]:
        """Remove the oldest events and return them; they stay if the transaction fails."""
        # Servers wait for each other here: what one takes, the next does not overtake.  What
        # happened in one moment goes by kind: a job ends before its workflow does.
        rows = self._sql.all(
            "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY created_at, kind, id"
            " LIMIT :limit /*pg FOR UPDATE */)"
            " RETURNING id, kind, project_id, subject, facts, created_at",
            limit=limit,
        )
        rows.sort(key=lambda row: (row[5], row[1], row[0]))
        return [
            OutboxEvent(
                id=row[0],
                kind=EventKind(row[1]),
                project_id=ProjectId(row[2]),
                subject=row[3],
                facts=msgspec.json.decode(row[4]),
                at=Micros(row[5]),
            )
            for row in rows
        ]
