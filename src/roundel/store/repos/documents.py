"""Texts by content."""

import hashlib

from roundel.store.dialect import Sql


class SqlDocuments:
    """Implements `domain.pipelines.Documents`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def put(self, text: str) -> str:
        """Keep `text`; return its hash."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        self._sql.run(
            "INSERT INTO document (hash, text) VALUES (:hash, :text) ON CONFLICT (hash) DO NOTHING",
            hash=digest,
            text=text,
        )
        return digest

    def get(self, digest: str) -> str | None:
        """Return the text with this hash."""
        row = self._sql.one("SELECT text FROM document WHERE hash = :hash", hash=digest)
        return None if row is None else str(row[0])
