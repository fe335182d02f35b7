"""Due work."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import TimerId
from roundel.domain.timers import Timer, TimerKind
from roundel.store.dialect import SKIP_LOCKED, Sql


class SqlTimers:
    """Implements `domain.timers.Timers`.

    A taken timer is one whose `run_at` was moved to the end of its taker's time: if the taker
    dies, it falls due again by itself, or at once when its owner is known to be gone.
    """

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, timer: Timer) -> None:
        """Add a timer."""
        self._sql.put(
            "INSERT INTO timer (id, kind, subject, run_at, attempts, owner)"
            " VALUES (:id, :kind, :subject, :run_at, :attempts, :owner)",
            id=timer.id,
            kind=timer.kind.value,
            subject=timer.subject,
            run_at=timer.run_at,
            attempts=timer.attempts,
            owner=timer.owner,
        )

    def add_once(self, timer: Timer) -> None:
        """Add it unless there is one of its kind for its subject."""
        known = self._sql.one(
            "SELECT 1 FROM timer WHERE subject = :subject AND kind = :kind",
            subject=timer.subject,
            kind=timer.kind.value,
        )
        if known is None:
            self.add(timer)

    def take_due(self, *, now: Micros, until: Micros, owner: str, limit: int) -> Sequence[Timer]:
        """Take timers that are due; nobody else gets them before `until`."""
        rows = self._sql.all(
            "UPDATE timer SET run_at = :until, owner = :owner, attempts = attempts + 1"
            " WHERE id IN (SELECT id FROM timer WHERE run_at <= :now ORDER BY run_at LIMIT :limit"
            f" {SKIP_LOCKED}) RETURNING id, kind, subject, run_at, attempts",
            now=now,
            until=until,
            owner=owner,
            limit=limit,
        )
        return [
            Timer(
                id=TimerId(row[0]),
                kind=TimerKind(row[1]),
                subject=row[2],
                run_at=Micros(row[3]),
                attempts=row[4],
                owner=owner,
            )
            for row in rows
        ]

    def free_orphans(self, *, alive_since: Micros, now: Micros) -> int:
        """Make due what servers took that have not been seen since then; return how many."""
        return self._sql.run(
            "UPDATE timer SET run_at = :now, owner = NULL WHERE owner IS NOT NULL"
            " AND owner NOT IN (SELECT id FROM replica WHERE seen_at >= :since)",
            since=alive_since,
            now=now,
        )

    def postpone(self, kind: TimerKind, subject: str, run_at: Micros) -> None:
        """Give the work back that could not be done now; it falls due again at `run_at`."""
        self._sql.run(
            "UPDATE timer SET run_at = :run_at, owner = NULL"
            " WHERE subject = :subject AND kind = :kind",
            run_at=run_at,
            subject=subject,
            kind=kind.value,
        )

    def remove(self, timer_id: TimerId) -> None:
        """Remove a timer whose work is done."""
        self._sql.put("DELETE FROM timer WHERE id = :id", id=timer_id)

    def remove_for(self, kind: TimerKind, subject: str) -> None:
        """Remove the timers of a kind for one subject."""
        self._sql.put(
            "DELETE FROM timer WHERE subject = :subject AND kind = :kind",
            subject=subject,
            kind=kind.value,
        )
