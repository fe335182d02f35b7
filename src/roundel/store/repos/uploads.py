"""Blobs of jobs: which there are, and how many things name each."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import ExecutionId, ProjectId
from roundel.domain.keeping import Upload
from roundel.domain.storage import BlobId, StoredBlob
from roundel.store.dialect import Sql, placeholders

_AT_ONCE = 500  # parameters of one statement


class SqlUploads:
    """Implements `domain.keeping.Uploads`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def begin(self, upload: Upload, free_from: Micros) -> None:
        """Note a blob before its first byte: what breaks off is found and removed."""
        self._sql.run(
            "INSERT INTO upload (id, project_id, execution_id, free_from)"
            " VALUES (:id, :project, :execution, :free_from)",
            id=upload.id,
            project=upload.project_id,
            execution=upload.execution_id,
            free_from=free_from,
        )

    def complete(self, blob: StoredBlob, free_from: Micros) -> None:
        """Note that a blob has arrived whole."""
        self._sql.run(
            "UPDATE upload SET size = :size, digest = :digest, free_from = :free_from"
            " WHERE id = :id",
            id=blob.id,
            size=blob.size,
            digest=blob.digest,
            free_from=free_from,
        )

    def get(self, blob: BlobId) -> Upload | None:
        """Return what is known of a blob."""
        row = self._sql.one(
            "SELECT project_id, execution_id, size, digest, uses FROM upload WHERE id = :id",
            id=blob,
        )
        if row is None:
            return None
        whole = None if row[2] is None else StoredBlob(id=blob, size=row[2], digest=row[3])
        return Upload(
            id=blob,
            project_id=ProjectId(row[0]),
            execution_id=ExecutionId(row[1]),
            blob=whole,
            uses=row[4],
        )

    def use(self, blob: BlobId) -> None:
        """One more thing names this blob."""
        self._sql.run("UPDATE upload SET uses = uses + 1 WHERE id = :id", id=blob)

    def let_go(self, blobs: Sequence[BlobId], free_from: Micros) -> None:
        """One thing less names each of these blobs."""
        self._sql.each(
            "UPDATE upload SET uses = uses - 1, free_from = :free_from WHERE id = :id",
            [{"id": blob, "free_from": free_from} for blob in blobs],
        )

    def free(self, now: Micros, limit: int) -> Sequence[BlobId]:
        """Return blobs that nothing uses and whose time is over."""
        rows = self._sql.all(
            "SELECT id FROM upload WHERE uses = 0 AND free_from <= :now"
            " ORDER BY free_from LIMIT :limit",
            now=now,
            limit=limit,
        )
        return [BlobId(row[0]) for row in rows]

    def forget(self, blobs: Sequence[BlobId]) -> None:
        """Remove blobs whose objects are gone."""
        for at in range(0, len(blobs), _AT_ONCE):
            marks, values = placeholders("id", blobs[at : at + _AT_ONCE])
            self._sql.run(f"DELETE FROM upload WHERE id IN ({marks}) AND uses = 0", **values)
