"""Statuses that wait until their host has heard of them."""

from collections.abc import Sequence

import msgspec

from roundel.domain.clock import Micros
from roundel.domain.git_statuses import CommitStatus, WaitingStatus
from roundel.domain.ids import ProjectId
from roundel.store.dialect import Row, Sql
from roundel.store.rows import json_text

_status = msgspec.json.Decoder(CommitStatus)


def _waiting_of(row: Row) -> WaitingStatus:
    return WaitingStatus(
        project_id=ProjectId(row[0]),
        connection_id=row[1],
        status=_status.decode(row[2]),
        attempts=row[3],
        changed_at=Micros(row[4]),
    )


class SqlGitStatuses:
    """Implements `domain.git_statuses.GitStatuses`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def listener(self, project_id: ProjectId) -> tuple[str, str] | None:
        """Return the connection that shows a project's statuses, and its repository there."""
        row = self._sql.one(
            "SELECT c.id, l.name FROM git_link l JOIN git_connection c ON c.id = l.connection_id"
            " WHERE l.project_id = :project AND c.provider <> 'git'"
            " ORDER BY CASE WHEN c.project_id IS NULL THEN 1 ELSE 0 END, c.created_at DESC LIMIT 1",
            project=project_id,
        )
        return None if row is None else (row[0], row[1])

    def any_listener(self) -> bool:
        """Tell whether any project's statuses are shown anywhere."""
        return bool(self._sql.kept("SELECT 1 FROM git_link LIMIT 1"))

    def put(self, waiting: WaitingStatus) -> None:
        """Keep a status in the place of an earlier one of its context."""
        self._sql.run(
            "INSERT INTO git_status"
            " (project_id, revision, context, connection_id, status, attempts, changed_at)"
            " VALUES (:project, :revision, :context, :connection, :status, 0, :at)"
            " ON CONFLICT (project_id, revision, context) DO UPDATE SET"
            " connection_id = excluded.connection_id, status = excluded.status, attempts = 0,"
            " changed_at = excluded.changed_at",
            project=waiting.project_id,
            revision=waiting.status.revision,
            context=waiting.status.context,
            connection=waiting.connection_id,
            status=json_text(waiting.status),
            at=waiting.changed_at,
        )

    def waiting(self, project_id: ProjectId, limit: int) -> Sequence[WaitingStatus]:
        """Return the oldest ones of a project."""
        rows = self._sql.all(
            "SELECT project_id, connection_id, status, attempts, changed_at FROM git_status"
            " WHERE project_id = :project ORDER BY changed_at, context LIMIT :limit",
            project=project_id,
            limit=limit,
        )
        return [_waiting_of(row) for row in rows]

    def done(self, sent: WaitingStatus) -> None:
        """Forget one that was heard, unless it has changed since."""
        self._sql.run(
            "DELETE FROM git_status WHERE project_id = :project AND revision = :revision"
            " AND context = :context AND changed_at = :at AND status = :status",
            project=sent.project_id,
            revision=sent.status.revision,
            context=sent.status.context,
            at=sent.changed_at,
            status=json_text(sent.status),
        )

    def failed(self, sent: WaitingStatus) -> None:
        """Count an attempt that failed."""
        self._sql.run(
            "UPDATE git_status SET attempts = attempts + 1 WHERE project_id = :project"
            " AND revision = :revision AND context = :context AND changed_at = :at",
            project=sent.project_id,
            revision=sent.status.revision,
            context=sent.status.context,
            at=sent.changed_at,
        )
