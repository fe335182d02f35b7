"""Keeping what jobs leave behind: the server's side of `domain.storage.Storage`."""

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from roundel.domain.artifacts import artifact_path
from roundel.domain.clock import DAY, Micros
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.ids import new_id
from roundel.domain.jobs import Execution, Job
from roundel.domain.keeping import OWN_SCOPE, CacheScope, NewCache, Upload, object_name
from roundel.domain.records import dataclass
from roundel.domain.runners import Lease
from roundel.domain.storage import (
    CACHE_KEY_LIMIT,
    BlobId,
    FailedTest,
    FoundCache,
    LayerConflict,
    StoredBlob,
    TestResult,
    WorkspaceLayer,
)
from roundel.domain.workspaces import UpstreamJob, layers_for, upstream_of
from roundel.services.arming import GRACE, arm_sweep
from roundel.services.claims import held
from roundel.services.context_use import receives_secrets
from roundel.services.failed_tests import failed_tests_for
from roundel.services.plans import plan_of, read_job
from roundel.services.work import App, Tx
from roundel.vault.env import branch_as_shown

CACHE_DAYS = 15
WORKSPACE_DAYS = 15
ARTIFACT_DAYS = 30
CACHE_QUOTA_BYTES = 20 * 1024**3  # of one project; then those used longest ago go
UPLOAD_TIME = DAY  # an upload that takes longer has broken off
UNNAMED_TIME = DAY  # a blob that nothing names by then is an orphan
PIECE_BYTES = 4 * 1024 * 1024  # of a download, in memory at once
RESULTS_AT_ONCE = 20_000

_DAYS = re.compile(r"([1-9]|[12][0-9]|30)d")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an execution may keep and find things."""

    execution: Execution
    job: Job


class LocalStorage:
    """Implements `domain.storage.Storage` on the store."""

    def __init__(self, app: App, *, cache_quota_bytes: int = CACHE_QUOTA_BYTES) -> None:
        self._app = app
        self._quota = cache_quota_bytes

    async def upload(self, lease: Lease, data: AsyncIterator[bytes]) -> StoredBlob:
        """Store a stream; nothing is kept if it breaks off."""
        app, blob_id, at = self._app, BlobId(new_id()), self._app.clock.now()

        def begin(tx: Tx) -> None:
            place = _place(tx, lease)
            upload = Upload(
                id=blob_id, project_id=place.job.project_id, execution_id=place.execution.id
            )
            tx.uploads.begin(upload, Micros(at + UPLOAD_TIME))
            arm_sweep(tx, at)

        await app.database.write(begin)
        measured = _Measured(data)
        name = object_name(blob_id)
        try:
            await app.blobs.put_stream(name, measured.pieces())
        except BaseException:
            # The row is still there, so that a sweep finds what cannot be removed now.
            with suppress(OSError):
                await app.blobs.remove(name)
            raise
        blob = StoredBlob(id=blob_id, size=measured.size, digest=measured.digest)
        free_from = Micros(app.clock.now() + UNNAMED_TIME)
        await app.database.write(lambda tx: tx.uploads.complete(blob, free_from))
        return blob

    async def download(self, lease: Lease, blob: BlobId, offset: int = 0) -> AsyncIterator[bytes]:
        """Yield a blob's bytes; NotFound if it is gone or not ours."""
        size = (await self._app.database.write(lambda tx: _readable(tx, lease, blob))).size
        for at in range(offset, size, PIECE_BYTES):
            try:
                yield await self._app.blobs.get(
                    object_name(blob), start=at, end=min(at + PIECE_BYTES, size)
                )
            except FileNotFoundError as error:
                raise NotFound("this archive is gone") from error

    # -- caches --

    async def find_cache(self, lease: Lease, prefixes: Sequence[str]) -> FoundCache | None:
        """Return the newest whole cache of the first prefix that any key begins with."""
        for prefix in prefixes:
            while found := await self._in(lease, self._newest(prefix)):
                if await self._app.blobs.size(object_name(found.blob.id)) == found.blob.size:
                    return found
                await self.drop_cache(lease, found)
        return None

    def _newest(self, prefix: str) -> Callable[[Tx, _Place], FoundCache | None]:
        at = self._app.clock.now()
        return lambda tx, place: tx.caches.newest(
            place.job.project_id, _scope(tx, place.job), prefix, at
        )

    async def has_cache(self, lease: Lease, key: str) -> bool:
        """Tell whether exactly this key is taken by a cache that is there."""
        now = self._app.clock.now()
        return await self._in(
            lease,
            lambda tx, place: tx.caches.has(place.job.project_id, _scope(tx, place.job), key, now),
        )

    async def keep_cache(self, lease: Lease, key: str, blob: StoredBlob) -> bool:
        """Name a blob as a cache; False if the key was taken meanwhile."""
        if not 0 < len(key) <= CACHE_KEY_LIMIT:
            raise Invalid(f"a cache key has 1 to {CACHE_KEY_LIMIT} characters")
        at = self._app.clock.now()

        def keep(tx: Tx, place: _Place) -> bool:
            whole = _own_blob(tx, place, blob.id)
            project, scope = place.job.project_id, _scope(tx, place.job)
            # One that nobody finds any more must not stand in the way.
            tx.uploads.let_go(tx.caches.expire(at, 100), at)
            added = tx.caches.add(
                NewCache(
                    project_id=project,
                    scope=scope,
                    key=key,
                    blob=whole,
                    created_at=at,
                    expires_at=Micros(at + _cache_days(tx, place.job) * DAY),
                )
            )
            if added:
                tx.uploads.use(whole.id)
                evicted = tx.caches.evict(project, scope, self._quota, key)
                tx.uploads.let_go(evicted, Micros(at + GRACE))
            return added

        return await self._in(lease, keep)

    async def drop_cache(self, lease: Lease, cache: FoundCache) -> None:
        """Forget a cache whose archive turned out to be broken."""
        free_from = Micros(self._app.clock.now() + GRACE)

        def drop(tx: Tx, place: _Place) -> None:
            blob = cache.blob.id
            if tx.caches.drop(place.job.project_id, _scope(tx, place.job), cache.key, blob):
                tx.uploads.let_go([blob], free_from)

        await self._in(lease, drop)

    # -- workspaces --

    async def layers(self, lease: Lease) -> tuple[WorkspaceLayer, ...] | LayerConflict:
        """Return the layers of all upstream jobs, in the order in which to unpack them."""
        return await self._in(lease, _layers)

    async def keep_layer(self, lease: Lease, blob: StoredBlob, paths: Sequence[str]) -> None:
        """Name a blob as this execution's next workspace layer."""
        expires_at = Micros(self._app.clock.now() + WORKSPACE_DAYS * DAY)

        def keep(tx: Tx, place: _Place) -> None:
            whole, execution = _own_blob(tx, place, blob.id), place.execution
            if tx.layers.add(place.job.id, execution.id, execution.node, whole, paths, expires_at):
                tx.uploads.use(whole.id)

        await self._in(lease, keep)

    # -- artifacts and tests --

    async def keep_artifact(self, lease: Lease, path: str, blob: StoredBlob) -> None:
        """Name a blob as an artifact; the same path again replaces it."""
        if artifact_path(path, None, None) != path:
            raise Invalid(f"{path[:200]!r} cannot be the name of an artifact")
        at = self._app.clock.now()

        def keep(tx: Tx, place: _Place) -> None:
            whole, node = _own_blob(tx, place, blob.id), place.execution.node
            expires_at = Micros(at + ARTIFACT_DAYS * DAY)
            before = tx.artifacts.put(place.job.id, node, path, whole, at, expires_at)
            tx.uploads.use(whole.id)
            if before is not None:
                tx.uploads.let_go([before], Micros(at + GRACE))

        await self._in(lease, keep)

    async def keep_tests(self, lease: Lease, part: str, results: Sequence[TestResult]) -> None:
        """Add test results to the job; a part that is there already changes nothing."""
        if len(results) > RESULTS_AT_ONCE:
            raise Invalid(f"at most {RESULTS_AT_ONCE} test results can be told at once")
        at = self._app.clock.now()

        def keep(tx: Tx, place: _Place) -> None:
            job, node = place.job, place.execution.node
            tx.test_results.add(job.project_id, job.id, job.name, node, part, results, at)

        await self._in(lease, keep)

    async def timings(self, lease: Lease, by: str) -> Mapping[str, float]:
        """Return seconds by file, classname or testname of the job's last run with results."""
        return await self._in(
            lease,
            lambda tx, place: tx.test_results.timings(
                place.job.project_id, place.job.name, by, place.job.id
            ),
        )

    async def failed_tests(self, lease: Lease) -> Sequence[FailedTest] | None:
        """Return the tests that this job is limited to; None unless failed ones are rerun."""
        return await self._in(lease, lambda tx, place: failed_tests_for(tx, place.job))

    async def _in(self, lease: Lease, work: Callable[[Tx, _Place], T]) -> T:
        return await self._app.database.write(lambda tx: work(tx, _place(tx, lease)))


class _Measured:
    """Passes pieces on, and knows their sum afterwards."""

    def __init__(self, data: AsyncIterator[bytes]) -> None:
        self._data = data
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    async def pieces(self) -> AsyncIterator[bytes]:
        async for piece in self._data:
            self._hash.update(piece)
            self.size += len(piece)
            yield piece


def _place(tx: Tx, lease: Lease) -> _Place:
    """Return the place of the execution that this lease holds, else raise LeaseLost."""
    execution = held(tx, lease)
    job = tx.jobs.get(execution.job_id)
    if job is None:
        raise NotFound("the job of this execution is not in the database")
    return _Place(execution, job)


def _scope(tx: Tx, job: Job) -> CacheScope:
    """Return who shares caches with a job: its project, or its pull request alone for a fork's.

    What a fork leaves must not reach the project's own jobs, nor the other way round.
    """
    workflow = tx.workflows.get(job.workflow_id)
    pipeline = None if workflow is None else tx.pipelines.get(workflow.pipeline_id)
    project = tx.projects.get_by_id(job.project_id)
    if pipeline is None or project is None:
        raise NotFound("the pipeline of this execution is not in the database")
    if receives_secrets(tx, pipeline, project):
        return OWN_SCOPE
    return CacheScope(branch_as_shown(pipeline.ref.branch) or "")


def _cache_days(tx: Tx, job: Job) -> int:
    """Return for how long a job's caches are kept: `retention.caches`, or the usual time."""
    workflow = tx.workflows.get(job.workflow_id)
    pipeline = None if workflow is None else tx.pipelines.get(workflow.pipeline_id)
    if workflow is None or pipeline is None or job.plan_key is None:
        return CACHE_DAYS
    stored = plan_of(pipeline, workflow)
    plan = None if stored is None else read_job(tx.documents, stored, job.plan_key)
    retention = None if plan is None else plan.extra.get("retention")
    wanted = retention.get("caches") if isinstance(retention, dict) else None
    found = _DAYS.fullmatch(wanted) if isinstance(wanted, str) else None
    return int(found[1]) if found else CACHE_DAYS


def _own_blob(tx: Tx, place: _Place, blob: BlobId) -> StoredBlob:
    """Return what is known of a blob that this very execution has uploaded."""
    upload = tx.uploads.get(blob)
    if upload is None or upload.blob is None or upload.execution_id != place.execution.id:
        raise NotFound("this execution has not uploaded such a blob")
    return upload.blob


def _readable(tx: Tx, lease: Lease, blob: BlobId) -> StoredBlob:
    """Return a blob that the execution may read: a cache's of its scope, a layer's of its kin."""
    place = _place(tx, lease)
    upload = tx.uploads.get(blob)
    if upload is None or upload.blob is None or upload.project_id != place.job.project_id:
        raise NotFound("there is no such blob")
    if upload.execution_id == place.execution.id:
        return upload.blob
    if tx.caches.names(place.job.project_id, _scope(tx, place.job), blob):
        return upload.blob
    job = tx.layers.job_of(blob)
    if job is not None and job in tx.workflows.layout(place.job.workflow_id).by_job:
        return upload.blob
    raise NotFound("there is no such blob")


def _layers(tx: Tx, place: _Place) -> tuple[WorkspaceLayer, ...] | LayerConflict:
    layout = tx.workflows.layout(place.job.workflow_id)
    slots = [slot for slot in layout.slots.values() if slot.job_id is not None]
    own = next((slot.name for slot in slots if slot.job_id == place.job.id), place.job.name)
    jobs = [
        UpstreamJob(name=slot.name, requires=tuple(need.job for need in slot.requires))
        for slot in slots
    ]
    above = upstream_of(own, jobs)
    wanted = {slot.job_id: slot.name for slot in slots if slot.name in above and slot.job_id}
    found = {wanted[job]: layers for job, layers in tx.layers.of_jobs(wanted).items()}
    return layers_for(
        own,
        [
            UpstreamJob(name=job.name, requires=job.requires, layers=tuple(found.get(job.name, ())))
            for job in jobs
        ],
    )
