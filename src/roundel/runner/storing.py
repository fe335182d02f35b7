"""What a step may ask of the server's storage: the calls under the job's lease, tried again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from roundel.domain.deploys import Release
from roundel.domain.errors import DomainError, Unavailable
from roundel.domain.runners import CheckoutPassword, Secret
from roundel.domain.storage import (
    FailedTest,
    FoundCache,
    KeepingServer,
    LayerConflict,
    StoredBlob,
    TestResult,
    WorkspaceLayer,
)
from roundel.runner.lease import FIRST_DELAY_SECONDS, LAST_DELAY_SECONDS, HeldLease


class NotStored(Exception):
    """The server did not take an upload; `str()` says why."""


class NotFetched(Exception):
    """The server was away for too long in the middle of a download."""


class HeldStorage:
    """One execution's side of the storage.

    A stream cannot be tried again from here: an upload that breaks off raises NotStored, unless its
    source can begin anew (`upload_again`).  A download goes on where it broke off.
    """

    def __init__(self, held: HeldLease, server: KeepingServer) -> None:
        self._held = held
        self._server = server

    async def upload(self, data: AsyncIterator[bytes]) -> StoredBlob:
        """Store a stream.  What its source raises is let through."""
        watched = _Watched(data)
        try:
            return await self._server.upload(self._held.lease, watched.pieces())
        except DomainError:
            raise
        except Exception as error:
            # A store may hide what the stream raised behind an error of its own.
            if watched.error is not None:
                raise watched.error from error
            raise NotStored(f"the server could not store it ({type(error).__name__})") from error
        finally:
            await watched.close()

    async def upload_again(
        self,
        begin: Callable[[], AsyncIterator[bytes]],
        between: Callable[[], Awaitable[object]] | None = None,
    ) -> StoredBlob:
        """Store what `begin` begins anew at each call: the network may take an upload.

        `between` ends what an upload that broke off has left.  NotStored after several tries, each
        of them made once the server was heard again.
        """
        for left in reversed(range(UPLOAD_TRIES)):
            try:
                return await self.upload(begin())
            except NotStored:
                if left == 0:
                    raise
            if between is not None:
                await between()
            await self.heard()
        raise NotStored("the server could not store it")

    async def heard(self) -> None:
        """Return once the server is heard (again).  Raise LeaseLost."""
        await asyncio.sleep(FIRST_DELAY_SECONDS)
        await self._held.renew()

    async def download(self, blob: StoredBlob) -> AsyncIterator[bytes]:
        """Yield a blob's bytes; NotFetched if the server stays away in the middle."""
        offset = failures = 0
        while offset < blob.size:
            source = self._server.download(self._held.lease, blob.id, offset)
            try:
                async for piece in source:
                    offset += len(piece)
                    failures = 0
                    yield piece
                return
            except (OSError, EOFError, Unavailable) as error:
                failures += 1
                if failures > _DOWNLOAD_TRIES:
                    raise NotFetched(str(error) or type(error).__name__) from error
            await asyncio.sleep(min(FIRST_DELAY_SECONDS * 2**failures, LAST_DELAY_SECONDS))

    async def find_cache(self, prefixes: Sequence[str]) -> FoundCache | None:
        """Return the newest cache of the first prefix that any key begins with."""
        lease = self._held.lease
        return await self._held.storing(
            "find_cache", lambda: self._server.find_cache(lease, prefixes)
        )

    async def has_cache(self, key: str) -> bool:
        """Tell whether exactly this key is taken."""
        lease = self._held.lease
        return await self._held.storing("has_cache", lambda: self._server.has_cache(lease, key))

    async def keep_cache(self, key: str, blob: StoredBlob) -> bool:
        """Name a blob as a cache; False if the key was taken meanwhile."""
        lease = self._held.lease
        return await self._held.storing(
            "keep_cache", lambda: self._server.keep_cache(lease, key, blob)
        )

    async def drop_cache(self, cache: FoundCache) -> None:
        """Forget a cache whose archive is broken."""
        lease = self._held.lease
        await self._held.storing("drop_cache", lambda: self._server.drop_cache(lease, cache))

    async def layers(self) -> tuple[WorkspaceLayer, ...] | LayerConflict:
        """Return the layers of all upstream jobs."""
        lease = self._held.lease
        return await self._held.storing("layers", lambda: self._server.layers(lease))

    async def keep_layer(self, blob: StoredBlob, paths: Sequence[str]) -> None:
        """Name a blob as this execution's next workspace layer."""
        lease = self._held.lease
        await self._held.storing("keep_layer", lambda: self._server.keep_layer(lease, blob, paths))

    async def keep_artifact(self, path: str, blob: StoredBlob) -> None:
        """Name a blob as an artifact."""
        lease = self._held.lease
        await self._held.storing(
            "keep_artifact", lambda: self._server.keep_artifact(lease, path, blob)
        )

    async def keep_tests(self, part: str, results: Sequence[TestResult]) -> None:
        """Add test results to the job."""
        lease = self._held.lease
        await self._held.storing(
            "keep_tests", lambda: self._server.keep_tests(lease, part, results)
        )

    async def timings(self, by: str) -> Mapping[str, float]:
        """Return seconds by file, classname or testname of the job's last run with results."""
        lease = self._held.lease
        return await self._held.storing("timings", lambda: self._server.timings(lease, by))

    async def failed_tests(self) -> Sequence[FailedTest] | None:
        """Return the tests that this job is limited to; None unless failed ones are rerun."""
        lease = self._held.lease
        return await self._held.storing("failed_tests", lambda: self._server.failed_tests(lease))

    async def identity_token(self, claims: Mapping[str, object], root_issuer: bool) -> Secret:
        """Return a token with claims that the job asks for; what is refused is a DomainError."""
        lease = self._held.lease
        return await self._held.storing(
            "identity_token", lambda: self._server.identity_token(lease, claims, root_issuer)
        )

    async def checkout_password(self) -> CheckoutPassword:
        """Return a password for the job's repository, or why there is none."""
        lease = self._held.lease
        return await self._held.storing(
            "checkout_password", lambda: self._server.checkout_password(lease)
        )

    async def log_release(self, release: Release) -> None:
        """Keep what the job has deployed; what is refused is a DomainError."""
        lease = self._held.lease
        await self._held.storing("log_release", lambda: self._server.log_release(lease, release))


UPLOAD_TRIES = 5
_DOWNLOAD_TRIES = 15  # in a row without a byte: about two minutes


class _Watched:
    """Passes a stream on and remembers how it failed."""

    def __init__(self, data: AsyncIterator[bytes]) -> None:
        self._data = data
        self.error: Exception | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._data:
                yield piece
        except Exception as error:
            self.error = error
            raise

    async def close(self) -> None:
        """Let the source clean up, wherever it was left."""
        if hasattr(self._data, "aclose"):
            with contextlib.suppress(RuntimeError):  # it is running: then it ends by itself
                await self._data.aclose()


async def one_piece(data: bytes) -> AsyncIterator[bytes]:
    """Yield what is in memory already."""
    yield data
