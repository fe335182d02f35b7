"""Caches of projects."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import ProjectId, new_id
from roundel.domain.keeping import OWN_SCOPE, CacheScope, NewCache
from roundel.domain.storage import BlobId, FoundCache, StoredBlob
from roundel.store.dialect import Sql

_AFTER_ALL = "\U0010ffff"  # sorts behind every key with the same beginning


class SqlCaches:
    """Implements `domain.keeping.Caches`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def newest(
        self, project: ProjectId, scope: CacheScope, prefix: str, now: Micros
    ) -> FoundCache | None:
        """Return the newest cache whose key begins with `prefix`, and note its use."""
        row = self._sql.one(
            "SELECT c.id, c.key, c.created_at, u.id, u.size, u.digest"
            " FROM cache c JOIN upload u ON u.id = c.upload_id"
            " WHERE c.project_id = :project AND c.scope = :scope"
            " AND c.key >= :prefix AND c.key < :end AND c.expires_at > :now"
            " ORDER BY c.created_at DESC, c.id DESC LIMIT 1",
            project=project,
            scope=scope,
            prefix=prefix,
            end=prefix + _AFTER_ALL,
            now=now,
        )
        if row is None:
            return None
        self._sql.run("UPDATE cache SET used_at = :now WHERE id = :id", now=now, id=row[0])
        blob = StoredBlob(id=BlobId(row[3]), size=row[4], digest=row[5])
        return FoundCache(key=row[1], blob=blob, created_at=Micros(row[2]))

    def has(self, project: ProjectId, scope: CacheScope, key: str, now: Micros) -> bool:
        """Tell whether exactly this key is taken."""
        row = self._sql.one(
            "SELECT 1 FROM cache WHERE project_id = :project AND scope = :scope AND key = :key"
            " AND expires_at > :now",
            project=project,
            scope=scope,
            key=key,
            now=now,
        )
        return row is not None

    def add(self, cache: NewCache) -> bool:
        """Add it; False if the key is taken."""
        added = self._sql.run(
            "INSERT INTO cache (id, project_id, scope, key, upload_id, size, created_at, used_at,"
            " expires_at) VALUES (:id, :project, :scope, :key, :upload, :size, :at, :at, :expires)"
            " ON CONFLICT (project_id, scope, key) DO NOTHING",
            id=new_id(),
            project=cache.project_id,
            scope=cache.scope,
            key=cache.key,
            upload=cache.blob.id,
            size=cache.blob.size,
            at=cache.created_at,
            expires=cache.expires_at,
        )
        return added > 0

    def drop(self, project: ProjectId, scope: CacheScope, key: str, blob: BlobId) -> bool:
        """Remove the cache of this key if it names this blob; tell whether it did."""
        dropped = self._sql.run(
            "DELETE FROM cache WHERE project_id = :project AND scope = :scope AND key = :key"
            " AND upload_id = :blob",
            project=project,
            scope=scope,
            key=key,
            blob=blob,
        )
        return dropped > 0

    def names(self, project: ProjectId, scope: CacheScope, blob: BlobId) -> bool:
        """Tell whether a cache of this scope names the blob."""
        row = self._sql.one(
            "SELECT 1 FROM cache WHERE upload_id = :blob AND project_id = :project"
            " AND scope = :scope",
            blob=blob,
            project=project,
            scope=scope,
        )
        return row is not None

    def evict(
        self, project: ProjectId, scope: CacheScope, quota: int, keep: str
    ) -> Sequence[BlobId]:
        """Remove those used longest ago until the rest fits; `keep` (a key of the scope) stays.

        Those of forks go first, and nothing that a fork keeps makes the project's own go.
        """
        (total,) = self._sql.one(
            "SELECT coalesce(sum(size), 0) FROM cache WHERE project_id = :project", project=project
        ) or (0,)
        if total <= quota:
            return []
        evicted: list[BlobId] = []
        spared = "" if scope == OWN_SCOPE else f" AND scope <> '{OWN_SCOPE}'"
        for row in self._sql.all(
            "SELECT id, size, upload_id FROM cache WHERE project_id = :project"
            f" AND NOT (key = :keep AND scope = :scope){spared}"
            f" ORDER BY CASE WHEN scope = '{OWN_SCOPE}' THEN 1 ELSE 0 END, used_at, id",
            project=project,
            keep=keep,
            scope=scope,
        ):
            if total <= quota:
                break
            self._sql.run("DELETE FROM cache WHERE id = :id", id=row[0])
            evicted.append(BlobId(row[2]))
            total -= row[1]
        return evicted

    def expire(self, now: Micros, limit: int) -> Sequence[BlobId]:
        """Remove caches whose time is over; return their blobs."""
        rows = self._sql.all(
            "DELETE FROM cache WHERE id IN (SELECT id FROM cache WHERE expires_at <= :now"
            " ORDER BY expires_at LIMIT :limit) RETURNING upload_id",
            now=now,
            limit=limit,
        )
        return [BlobId(row[0]) for row in rows]
