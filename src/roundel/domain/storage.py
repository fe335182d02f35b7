"""What jobs leave behind and take up again: caches, workspace layers, artifacts, test results.

Bytes travel apart from facts.  A runner uploads a blob first and then says what it is in one small
transaction; a blob that nothing names after a day is an orphan and is removed.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NewType, Protocol

from roundel.domain.clock import Micros
from roundel.domain.records import dataclass
from roundel.domain.runners import Lease, Server

BlobId = NewType("BlobId", str)

CACHE_KEY_LIMIT = 900  # characters (spec: job run time, section 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBlob:
    """A blob that arrived whole.  `digest` is its SHA-256 in hexadecimal."""

    id: BlobId
    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCache:
    """The newest cache whose key begins with one of the prefixes asked for."""

    key: str
    blob: StoredBlob
    created_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceLayer:
    """What one node of an upstream job persisted: an archive and the files in it."""

    job_name: str
    node: int
    blob: StoredBlob
    paths: tuple[str, ...]  # relative to the layer's root, files and links only


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerConflict:
    """Two upstream jobs without an order between them persisted the same files."""

    jobs: tuple[str, str]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """One test case; `result` is success, failure, error or skipped, `run_time` in seconds."""

    name: str
    classname: str
    file: str | None
    result: str
    run_time: float
    message: str = ""
    source: str = "unknown"  # the tool that wrote the report, where it can be told
    line: int | None = None  # where the test is in its file, from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedTest:
    """A test that failed before; a report may leave any of the three empty."""

    name: str
    classname: str
    file: str | None


class Storage(Protocol):
    """The part of the runner's server that keeps things.

    Every call carries the lease, raises `LeaseLost` as the others do, and reaches only what the
    execution's own project (caches) or workflow (layers) owns.
    """

    async def upload(self, lease: Lease, data: AsyncIterator[bytes]) -> StoredBlob:
        """Store a stream of unknown length; nothing is kept if it breaks off."""

    def download(self, lease: Lease, blob: BlobId, offset: int = 0) -> AsyncIterator[bytes]:
        """Yield a blob's bytes from `offset` on; `NotFound` if it is gone or not ours."""

    async def find_cache(self, lease: Lease, prefixes: Sequence[str]) -> FoundCache | None:
        """Return the newest cache of the first prefix that any key begins with.

        One whose archive is not whole is none.
        """

    async def has_cache(self, lease: Lease, key: str) -> bool:
        """Tell whether exactly this key is taken, so that no archive is made in vain."""

    async def keep_cache(self, lease: Lease, key: str, blob: StoredBlob) -> bool:
        """Name a blob as a cache; False if the key was taken meanwhile (keys are immutable)."""

    async def layers(self, lease: Lease) -> tuple[WorkspaceLayer, ...] | LayerConflict:
        """Return the layers of all upstream jobs, in the order in which to unpack them."""

    async def keep_layer(self, lease: Lease, blob: StoredBlob, paths: Sequence[str]) -> None:
        """Name a blob as this execution's next workspace layer."""

    async def keep_artifact(self, lease: Lease, path: str, blob: StoredBlob) -> None:
        """Name a blob as an artifact; the same path again replaces it."""

    async def drop_cache(self, lease: Lease, cache: FoundCache) -> None:
        """Forget a cache whose archive turned out to be broken, so that it is made anew."""

    async def keep_tests(self, lease: Lease, part: str, results: Sequence[TestResult]) -> None:
        """Add test results to the job; a part that is there already changes nothing."""

    async def timings(self, lease: Lease, by: str) -> Mapping[str, float]:
        """Return seconds by file, classname or testname of the job's last run with results."""

    async def failed_tests(self, lease: Lease) -> Sequence[FailedTest] | None:
        """Return the tests that this job is limited to; None unless failed ones are rerun."""


class KeepingServer(Server, Storage, Protocol):
    """All that a runner may ask of its server."""
