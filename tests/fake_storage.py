"""What a server keeps for runners, in memory, made by hand."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from roundel.domain.clock import Micros
from roundel.domain.errors import NotFound
from roundel.domain.runners import Lease
from roundel.domain.storage import (
    BlobId,
    FailedTest,
    FoundCache,
    LayerConflict,
    StoredBlob,
    TestResult,
    WorkspaceLayer,
)


@dataclass
class FakeStorage:
    """The `Storage` protocol in memory.  Everything belongs to everybody."""

    blobs: dict[BlobId, bytes] = field(default_factory=dict)
    caches: dict[str, FoundCache] = field(default_factory=dict)
    kept_layers: list[WorkspaceLayer] = field(default_factory=list)
    conflict: LayerConflict | None = None
    artifacts: dict[str, bytes] = field(default_factory=dict)
    tests: dict[str, Sequence[TestResult]] = field(default_factory=dict)
    times: dict[str, dict[str, float]] = field(default_factory=dict)
    failed: Sequence[FailedTest] | None = None
    upload_error: Exception | None = None
    hold: asyncio.Event | None = None  # transfers stop in their middle until it is set
    holding: asyncio.Event = field(default_factory=asyncio.Event)

    async def upload(self, lease: Lease, data: AsyncIterator[bytes]) -> StoredBlob:
        whole = b""
        async for piece in data:
            whole += piece
            await self._middle()
            if self.upload_error is not None:
                raise self.upload_error
        blob = BlobId(f"blob-{len(self.blobs)}")
        self.blobs[blob] = whole
        return StoredBlob(id=blob, size=len(whole), digest=hashlib.sha256(whole).hexdigest())

    async def download(self, lease: Lease, blob: BlobId, offset: int = 0) -> AsyncIterator[bytes]:
        if blob not in self.blobs:
            raise NotFound("there is no such blob")
        data = self.blobs[blob]
        for at in range(offset, len(data), 100_000):
            yield data[at : at + 100_000]
            await self._middle()

    async def _middle(self) -> None:
        if self.hold is not None:
            self.holding.set()
            await self.hold.wait()

    async def find_cache(self, lease: Lease, prefixes: Sequence[str]) -> FoundCache | None:
        for prefix in prefixes:
            found = [cache for key, cache in self.caches.items() if key.startswith(prefix)]
            if found:
                return max(found, key=lambda cache: cache.created_at)
        return None

    async def has_cache(self, lease: Lease, key: str) -> bool:
        return key in self.caches

    async def keep_cache(self, lease: Lease, key: str, blob: StoredBlob) -> bool:
        at = Micros(len(self.caches))
        return (
            self.caches.setdefault(key, FoundCache(key=key, blob=blob, created_at=at)).blob is blob
        )

    async def drop_cache(self, lease: Lease, cache: FoundCache) -> None:
        self.caches.pop(cache.key, None)

    async def layers(self, lease: Lease) -> tuple[WorkspaceLayer, ...] | LayerConflict:
        return self.conflict or tuple(self.kept_layers)

    async def keep_layer(self, lease: Lease, blob: StoredBlob, paths: Sequence[str]) -> None:
        layer = WorkspaceLayer(job_name="build", node=0, blob=blob, paths=tuple(paths))
        self.kept_layers.append(layer)

    async def keep_artifact(self, lease: Lease, path: str, blob: StoredBlob) -> None:
        self.artifacts[path] = self.blobs[blob.id]

    async def keep_tests(self, lease: Lease, part: str, results: Sequence[TestResult]) -> None:
        self.tests.setdefault(part, results)

    async def timings(self, lease: Lease, by: str) -> Mapping[str, float]:
        return self.times.get(by, {})

    async def failed_tests(self, lease: Lease) -> Sequence[FailedTest] | None:
        return self.failed
