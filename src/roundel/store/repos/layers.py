"""Workspace layers."""

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from roundel.domain.clock import Micros
from roundel.domain.ids import ExecutionId, JobId, new_id
from roundel.domain.storage import BlobId, StoredBlob, WorkspaceLayer
from roundel.store.dialect import Sql, placeholders

_paths = msgspec.json.Decoder(tuple[str, ...])


class SqlLayers:
    """Implements `domain.keeping.Layers`.  Paths are compressed: there may be 100,000 of them."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(
        self,
        job: JobId,
        execution: ExecutionId,
        node: int,
        blob: StoredBlob,
        paths: Sequence[str],
        expires_at: Micros,
    ) -> bool:
        """Add a layer; False if this blob is one already."""
        known = self._sql.one(
            "SELECT 1 FROM workspace_layer WHERE job_id = :job AND upload_id = :upload",
            job=job,
            upload=blob.id,
        )
        if known is not None:
            return False
        self._sql.run(
            "INSERT INTO workspace_layer (id, job_id, execution_id, node, upload_id, paths,"
            " expires_at) VALUES (:id, :job, :execution, :node, :upload, :paths, :expires)",
            id=new_id(),
            job=job,
            execution=execution,
            node=node,
            upload=blob.id,
            paths=zlib.compress(msgspec.json.encode(paths), 1),
            expires=expires_at,
        )
        return True

    def job_of(self, blob: BlobId) -> JobId | None:
        """Return the job that persisted this blob as a layer."""
        row = self._sql.one("SELECT job_id FROM workspace_layer WHERE upload_id = :blob", blob=blob)
        return None if row is None else JobId(row[0])

    def of_jobs(self, jobs: Mapping[JobId, str]) -> Mapping[JobId, Sequence[WorkspaceLayer]]:
        """Return the layers of each job (with its name), of each node's newest attempt."""
        if not jobs:
            return {}
        marks, values = placeholders("job", list(jobs))
        rows = self._sql.all(
            "SELECT l.job_id, l.node, l.paths, u.id, u.size, u.digest FROM workspace_layer l"
            " JOIN upload u ON u.id = l.upload_id JOIN execution e ON e.id = l.execution_id"
            f" WHERE l.job_id IN ({marks}) AND NOT EXISTS (SELECT 1 FROM execution f"
            " WHERE f.job_id = e.job_id AND f.node = e.node AND f.attempt > e.attempt)"
            " ORDER BY l.job_id, l.node, l.id",
            **values,
        )
        found: defaultdict[JobId, list[WorkspaceLayer]] = defaultdict(list)
        for job, node, paths, blob, size, digest in rows:
            found[JobId(job)].append(
                WorkspaceLayer(
                    job_name=jobs[JobId(job)],
                    node=node,
                    blob=StoredBlob(id=BlobId(blob), size=size, digest=digest),
                    paths=_paths.decode(zlib.decompress(paths)),
                )
            )
        return found

    def expire(self, now: Micros, limit: int) -> Sequence[BlobId]:
        """Remove layers whose time is over and whose workspace is in use no more; return blobs."""
        rows = self._sql.all(
            "DELETE FROM workspace_layer WHERE id IN (SELECT l.id FROM workspace_layer l"
            " WHERE l.expires_at <= :now AND NOT EXISTS (SELECT 1 FROM job j"
            " JOIN workflow o ON o.id = j.workflow_id"
            " JOIN workflow w ON w.workspace_id = o.workspace_id"
            " WHERE j.id = l.job_id AND w.status IN ('running', 'on_hold', 'failing'))"
            " ORDER BY l.expires_at LIMIT :limit) RETURNING upload_id",
            now=now,
            limit=limit,
        )
        return [BlobId(row[0]) for row in rows]
