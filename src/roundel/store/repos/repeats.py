"""Requests under idempotency keys."""

from roundel.domain.clock import Micros
from roundel.domain.contexts import Sealed
from roundel.domain.repeats import Remembered
from roundel.store.dialect import Sql


class SqlRepeats:
    """Implements `domain.repeats.Repeats`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def begin(self, request: Remembered, now: Micros) -> Remembered | None:
        """Keep a request under a new key; return the one that is under the key already."""
        self._sql.run(
            "DELETE FROM idempotency WHERE key = :key AND expires_at <= :now",
            key=request.key,
            now=now,
        )
        row = self._sql.one(
            "SELECT key, request, expires_at, status, key_id, answer FROM idempotency"
            " WHERE key = :key",
            key=request.key,
        )
        if row is not None:
            return Remembered(
                key=row[0],
                request=row[1],
                expires_at=Micros(row[2]),
                status=row[3],
                answer=None if row[4] is None else Sealed(key_id=row[4], data=bytes(row[5])),
            )
        self._sql.run(
            "INSERT INTO idempotency (key, request, expires_at) VALUES (:key, :request, :at)",
            key=request.key,
            request=request.request,
            at=request.expires_at,
        )
        return None

    def finish(self, request: Remembered) -> None:
        """Keep the answer of a request that is under way."""
        answer = request.answer
        self._sql.run(
            "UPDATE idempotency SET status = :status, key_id = :key_id, answer = :answer"
            " WHERE key = :key AND request = :request",
            status=request.status,
            key_id=None if answer is None else answer.key_id,
            answer=None if answer is None else answer.data,
            key=request.key,
            request=request.request,
        )

    def forget(self, key: str) -> None:
        """Forget a key."""
        self._sql.run("DELETE FROM idempotency WHERE key = :key", key=key)

    def expire(self, now: Micros, limit: int) -> int:
        """Forget keys whose time is over; return how many."""
        return self._sql.run(
            "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency"
            " WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit)",
            now=now,
            limit=limit,
        )
