"""Executions: the queue, the leases and their fences."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.errors import IllegalMove
from roundel.domain.ids import ExecutionId, JobId, RunnerId
from roundel.domain.jobs import EXECUTION_MOVES, Execution, ExecutionStatus
from roundel.domain.resource_use import Sample, joined
from roundel.store.dialect import SKIP_LOCKED, Sql
from roundel.store.rows import EXECUTION, execution_of, values_of
from roundel.store.samples import kept_samples, text_of
from roundel.store.turns import Turns

# Who needs it: a runner that asks for work.  One statement picks the oldest of a project in a lane
# by the partial index on queued rows, and leases it; to lose the race is to find no row.
_CLAIM = (
    "UPDATE execution SET status = 'claimed', runner_id = :runner, fence = fence + 1,"
    " lease_until = :lease_until, deadline = :deadline WHERE status = 'queued' AND id = ("
    "SELECT id FROM execution WHERE status = 'queued' AND lane = :lane AND project_id = :project"
    f" ORDER BY created_at, id LIMIT 1 {SKIP_LOCKED}) RETURNING {EXECUTION}"
)


class SqlExecutions:
    """Implements `domain.jobs.Executions`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, executions: Sequence[Execution]) -> None:
        """Add executions; their job must be there."""
        self._sql.each(
            f"INSERT INTO execution (project_id, {EXECUTION}) VALUES ("
            f"(SELECT project_id FROM job WHERE id = :job_id), {values_of(EXECUTION)})",
            [_row(execution) for execution in executions],
        )

    def get(self, execution_id: ExecutionId) -> Execution | None:
        """Return the execution."""
        row = self._sql.one(f"SELECT {EXECUTION} FROM execution WHERE id = :id", id=execution_id)
        return None if row is None else execution_of(row)

    def claims(self) -> "SqlClaims":
        """Return what leases queued executions, one after another."""
        return SqlClaims(self._sql)

    def save(self, execution: Execution, before: ExecutionStatus) -> None:
        """Save unless its status is no longer `before`; refuse a move that the table lacks."""
        to = execution.status
        if to is not before and to not in EXECUTION_MOVES[before]:
            raise IllegalMove(f"an execution cannot go from {before} to {to}")
        self._sql.put(
            "UPDATE execution SET status = :status, runner_id = :runner_id, fence = :fence,"
            " lease_until = :lease_until, deadline = :deadline, canceling = :canceling,"
            " started_at = :started_at, stopped_at = :stopped_at"
            " WHERE id = :id AND status = :before",
            before=before.value,
            **_row(execution),
        )

    def renew(self, execution_id: ExecutionId, lease_until: Micros) -> None:
        """Move the lease's end."""
        self._sql.run(
            "UPDATE execution SET lease_until = :until"
            " WHERE id = :id AND status IN ('claimed', 'running')",
            id=execution_id,
            until=lease_until,
        )

    def measured(self, execution_id: ExecutionId, samples: Sequence[Sample]) -> None:
        """Add samples to those that are kept."""
        known = kept_samples(self._sql, execution_id)
        self._sql.run(
            "UPDATE execution SET resource_use = :samples WHERE id = :id",
            id=execution_id,
            samples=text_of(joined(known, samples)),
        )

    def of_job(self, job_id: JobId) -> Sequence[Execution]:
        """Return the newest attempt of each node."""
        rows = self._sql.all(
            f"SELECT {EXECUTION} FROM execution WHERE job_id = :job ORDER BY node, attempt",
            job=job_id,
        )
        newest = {execution.node: execution for execution in map(execution_of, rows)}
        return list(newest.values())

    def lapsed(self, now: Micros, limit: int) -> Sequence[Execution]:
        """Return claimed and running ones whose lease ran out, or whose deadline is over."""
        rows = self._sql.all(
            f"SELECT {EXECUTION} FROM execution WHERE status IN ('claimed', 'running')"
            " AND (lease_until < :now OR deadline < :now) LIMIT :limit",
            now=now,
            limit=limit,
        )
        return [execution_of(row) for row in rows]

    def leased_to(self, runner: RunnerId) -> Sequence[Execution]:
        """Return the claimed and running ones of a runner; it asks once, at its start."""
        rows = self._sql.all(
            f"SELECT {EXECUTION} FROM execution WHERE status IN ('claimed', 'running')"
            " AND runner_id = :runner",
            runner=runner,
        )
        return [execution_of(row) for row in rows]

    def prolong_leases(self, until: Micros) -> int:
        """Give every lease time until `until` at least."""
        return self._sql.run(
            "UPDATE execution SET lease_until = :until"
            " WHERE status IN ('claimed', 'running') AND lease_until < :until",
            until=until,
        )

    def turn_clock(self, until: Micros, by: int) -> None:
        """Let every lease end at `until`, and give deadlines the time that was jumped over."""
        self._sql.run(
            "UPDATE execution SET lease_until = :until, deadline = deadline + :by"
            " WHERE status IN ('claimed', 'running')",
            until=until,
            by=max(by, 0),
        )


class SqlClaims:
    """Implements `domain.jobs.Claims`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._turns = Turns(sql)

    def look_anew(self) -> None:
        """Find out again whose turn it is."""
        self._turns = Turns(self._sql)

    def next(
        self, *, runner: RunnerId, lanes: Sequence[str], lease_until: Micros, deadline: Micros
    ) -> Execution | None:
        """Lease the next queued execution of these lanes to `runner` under a new fence."""
        for lane in lanes:
            for project in self._turns.of(lane):
                row = self._sql.one(
                    _CLAIM,
                    runner=runner,
                    lane=lane,
                    project=project,
                    lease_until=lease_until,
                    deadline=deadline,
                )
                if row is not None:
                    self._turns.served(lane, project, lease_until)
                    return execution_of(row)
                self._turns.empty(lane, project)
        return None


def _row(execution: Execution) -> dict[str, object]:
    return {
        "id": execution.id,
        "job_id": execution.job_id,
        "node": execution.node,
        "attempt": execution.attempt,
        "status": execution.status.value,
        "resource_class": execution.resource_class,
        "lane": execution.lane,
        "runner_id": execution.runner_id,
        "fence": execution.fence,
        "lease_until": execution.lease_until,
        "deadline": execution.deadline,
        "canceling": int(execution.canceling),
        "created_at": execution.created_at,
        "started_at": execution.started_at,
        "stopped_at": execution.stopped_at,
    }
