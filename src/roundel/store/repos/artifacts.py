"""Artifacts."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import JobId
from roundel.domain.storage import BlobId, StoredBlob
from roundel.store.dialect import Sql


class SqlArtifacts:
    """Implements `domain.keeping.Artifacts`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def put(
        self, job: JobId, node: int, path: str, blob: StoredBlob, at: Micros, expires_at: Micros
    ) -> BlobId | None:
        """Name a blob; return the one that it replaces."""
        which: dict[str, object] = {"job": job, "node": node, "path": path}
        before = self._sql.one(
            "SELECT upload_id FROM artifact WHERE job_id = :job AND node = :node AND path = :path",
            **which,
        )
        self._sql.run(
            "INSERT INTO artifact (job_id, node, path, upload_id, size, created_at, expires_at)"
            " VALUES (:job, :node, :path, :upload, :size, :at, :expires)"
            " ON CONFLICT (job_id, node, path) DO UPDATE SET upload_id = excluded.upload_id,"
            " size = excluded.size, created_at = excluded.created_at,"
            " expires_at = excluded.expires_at",
            upload=blob.id,
            size=blob.size,
            at=at,
            expires=expires_at,
            **which,
        )
        return None if before is None else BlobId(before[0])

    def expire(self, now: Micros, limit: int) -> Sequence[BlobId]:
        """Remove artifacts whose time is over; return their blobs."""
        rows = self._sql.all(
            "SELECT job_id, node, path, upload_id FROM artifact WHERE expires_at <= :now"
            " ORDER BY expires_at LIMIT :limit",
            now=now,
            limit=limit,
        )
        self._sql.each(
            "DELETE FROM artifact WHERE job_id = :job AND node = :node AND path = :path",
            [{"job": row[0], "node": row[1], "path": row[2]} for row in rows],
        )
        return [BlobId(row[3]) for row in rows]
