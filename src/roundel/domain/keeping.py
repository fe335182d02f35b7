"""Where the server keeps what jobs leave behind: the ports that the store implements."""

from collections.abc import Mapping, Sequence
from typing import NewType, Protocol

from roundel.domain.clock import Micros
from roundel.domain.ids import ExecutionId, JobId, ProjectId, WorkflowId
from roundel.domain.records import dataclass
from roundel.domain.storage import (
    BlobId,
    FailedTest,
    FoundCache,
    StoredBlob,
    TestResult,
    WorkspaceLayer,
)

CacheScope = NewType("CacheScope", str)
"""Who shares caches within a project.  A fork's pull request has a scope of its own."""

OWN_SCOPE = CacheScope("")


def object_name(blob: BlobId) -> str:
    """Return the name of a blob's object.  Ids begin with the time, so the end spreads them."""
    return f"kept/{blob[-2:]}/{blob}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A blob, from before its first byte on.  `blob` is None until it has arrived whole."""

    id: BlobId
    project_id: ProjectId
    execution_id: ExecutionId
    blob: StoredBlob | None = None
    uses: int = 0


class Uploads(Protocol):
    """Which blobs there are.  What nothing uses is removed after `free_from`."""

    def begin(self, upload: Upload, free_from: Micros) -> None: ...

    def complete(self, blob: StoredBlob, free_from: Micros) -> None: ...

    def get(self, blob: BlobId) -> Upload | None: ...

    def use(self, blob: BlobId) -> None:
        """One more thing names this blob."""

    def let_go(self, blobs: Sequence[BlobId], free_from: Micros) -> None:
        """One thing less names each of these blobs."""

    def free(self, now: Micros, limit: int) -> Sequence[BlobId]:
        """Return blobs that nothing uses and whose time is over."""

    def forget(self, blobs: Sequence[BlobId]) -> None:
        """Remove blobs whose objects are gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCache:
    """A cache to be named."""

    project_id: ProjectId
    scope: CacheScope
    key: str
    blob: StoredBlob
    created_at: Micros
    expires_at: Micros


class Caches(Protocol):
    """The caches of projects.  Those past their time are not found any more."""

    def newest(
        self, project: ProjectId, scope: CacheScope, prefix: str, now: Micros
    ) -> FoundCache | None:
        """Return the newest cache whose key begins with `prefix`, and note its use."""

    def has(self, project: ProjectId, scope: CacheScope, key: str, now: Micros) -> bool: ...

    def add(self, cache: NewCache) -> bool:
        """Add it; False if the key is taken."""

    def drop(self, project: ProjectId, scope: CacheScope, key: str, blob: BlobId) -> bool:
        """Remove the cache of this key if it names this blob; tell whether it did."""

    def names(self, project: ProjectId, scope: CacheScope, blob: BlobId) -> bool:
        """Tell whether a cache of this scope names the blob."""

    def evict(
        self, project: ProjectId, scope: CacheScope, quota: int, keep: str
    ) -> Sequence[BlobId]:
        """Remove those used longest ago until the rest fits; `keep` (a key of the scope) stays.

        Those of forks go first, and nothing that a fork keeps makes the project's own go.
        """

    def expire(self, now: Micros, limit: int) -> Sequence[BlobId]: ...


class Layers(Protocol):
    """Workspace layers, by the job that persisted them."""

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

    def job_of(self, blob: BlobId) -> JobId | None:
        """Return the job that persisted this blob as a layer."""

    def of_jobs(self, jobs: Mapping[JobId, str]) -> Mapping[JobId, Sequence[WorkspaceLayer]]:
        """Return the layers of each job (with its name), of each node's newest attempt."""

    def expire(self, now: Micros, limit: int) -> Sequence[BlobId]: ...


class Artifacts(Protocol):
    """Artifacts, by job, node and path."""

    def put(
        self, job: JobId, node: int, path: str, blob: StoredBlob, at: Micros, expires_at: Micros
    ) -> BlobId | None:
        """Name a blob; return the one that it replaces."""

    def expire(self, now: Micros, limit: int) -> Sequence[BlobId]: ...


class TestResults(Protocol):
    """Test results, by job."""

    def add(
        self,
        project: ProjectId,
        job: JobId,
        name: str,
        node: int,
        part: str,
        results: Sequence[TestResult],
        at: Micros,
    ) -> bool:
        """Add a part of a node's results; False if that part was there."""

    def timings(self, project: ProjectId, name: str, by: str, but: JobId) -> Mapping[str, float]:
        """Return seconds by file, classname or testname of the newest other job of this name."""

    def failed(self, job: JobId, limit: int) -> Sequence[FailedTest]:
        """Return tests of a job that failed, on all its nodes."""

    def has_any(self, job: JobId) -> bool:
        """Tell whether a job has results."""

    def limit_to_failed(self, workflow: WorkflowId, of: WorkflowId) -> None:
        """Let the jobs of a workflow run only the tests that failed in another one."""

    def limited_to_failed_of(self, workflow: WorkflowId) -> WorkflowId | None:
        """Return the workflow whose failed tests this one runs; None if it runs all."""
