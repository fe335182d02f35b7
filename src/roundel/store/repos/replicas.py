"""Servers on this database, and the keys that they share."""

from roundel.domain.clock import Micros
from roundel.store.dialect import Sql


class SqlReplicas:
    """Implements `domain.replicas.Replicas`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def beat(self, instance: str, at: Micros) -> None:
        """Show that `instance` lives."""
        self._sql.run(
            "INSERT INTO replica (id, seen_at) VALUES (:id, :at)"
            " ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
            id=instance,
            at=at,
        )

    def leave(self, instance: str) -> None:
        """Forget `instance`, which ends."""
        self._sql.run("DELETE FROM replica WHERE id = :id", id=instance)

    def leave_all(self) -> None:
        """Forget all, as whoever asks has the database to itself."""
        self._sql.run("DELETE FROM replica")

    def others(self, instance: str, since: Micros) -> int:
        """Return how many others have shown since then that they live."""
        row = self._sql.one(
            "SELECT count(*) FROM replica WHERE id <> :id AND seen_at >= :since",
            id=instance,
            since=since,
        )
        return 0 if row is None else int(row[0])

    def shared_key(self, name: str, proposal: str) -> str:
        """Return the key of that name; the first proposal becomes it."""
        self._sql.run(
            "INSERT INTO shared_key (name, value) VALUES (:name, :value)"
            " ON CONFLICT (name) DO NOTHING",
            name=name,
            value=proposal,
        )
        row = self._sql.one("SELECT value FROM shared_key WHERE name = :name", name=name)
        return proposal if row is None else str(row[0])

    def replace_shared_key(self, name: str, value: str) -> None:
        """Let `value` be the key of that name."""
        self._sql.run(
            "UPDATE shared_key SET value = :value WHERE name = :name AND value <> :value",
            name=name,
            value=value,
        )
