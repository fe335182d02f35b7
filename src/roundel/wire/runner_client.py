"""The server as a runner elsewhere sees it: `domain.storage.KeepingServer` over HTTP."""

import platform
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp

from roundel import __version__
from roundel.domain.deploys import Release
from roundel.domain.errors import NotFound, Unavailable
from roundel.domain.ids import ExecutionId, RunnerId
from roundel.domain.resource_use import Sample
from roundel.domain.runners import (
    CheckoutPassword,
    Chunk,
    JobOrder,
    Lease,
    Offer,
    Orders,
    Result,
    Resumed,
    Secret,
    Shipment,
    StepReport,
)
from roundel.domain.shells import ShellLine
from roundel.domain.storage import (
    BlobId,
    FailedTest,
    FoundCache,
    LayerConflict,
    StoredBlob,
    TestResult,
    WorkspaceLayer,
)
from roundel.wire import messages as say

T = TypeVar("T")

CALL_SECONDS = 60.0
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 60.0  # of a server in the middle of a blob
PIECE_BYTES = 256 * 1024
HEARTBEAT_SECONDS = 20.0  # of a shell's line, so that one that is cut is noticed


class ServerAway(Unavailable):
    """No answer, or one that is not from a Roundel server; ask again later."""


class RemoteServer:
    """One per process; use as a context.  Every call opens connections from here, none to here."""

    def __init__(self, url: str, token: str) -> None:
        self._base = url.rstrip("/") + say.PREFIX
        self._token = token
        self._opened: aiohttp.ClientSession | None = None
        self._takes_shipments = True
        self._takes_ends = True
        self._takes_calls = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    # -- domain.runners.Server --

    async def claim(self, offer: Offer) -> JobOrder | None:
        """Return a job, or None when there was none within `offer.wait_seconds`."""
        ask = say.ClaimAsk(
            runner=_name(offer.runner_id),
            hostname=platform.node()[:255],
            version=__version__,
            resource_classes=offer.resource_classes,
            wait_seconds=offer.wait_seconds,
            ahead=offer.ahead,
        )
        seconds = CALL_SECONDS + offer.wait_seconds
        return (await self._ask("claim", ask, say.Claimed, seconds)).order

    async def settle(self, runner_id: RunnerId, holds: Collection[ExecutionId]) -> None:
        """Take back what this runner is thought to have and does not hold."""
        ask = say.SettleAsk(runner=_name(runner_id), holds=tuple(holds))
        await self._ask("settle", ask, say.Done)

    async def resume(self, lease: Lease) -> Resumed | None:
        """Return the order again to a runner that was away, or None when it must give up."""
        return (await self._ask("resume", _held(lease), say.ResumeAnswer)).resumed

    async def renew(self, lease: Lease, samples: Sequence[Sample] = ()) -> Orders:
        """Keep the lease for another while; learn whether to cancel."""
        return await self._ask("renew", say.RenewAsk(**_who(lease), samples=tuple(samples)), Orders)

    async def report(self, lease: Lease, steps: Sequence[StepReport]) -> Orders:
        """Tell of steps that began or ended, in order."""
        return await self._ask("report", say.ReportAsk(**_who(lease), steps=tuple(steps)), Orders)

    async def chunk(self, lease: Lease, chunks: Sequence[Chunk]) -> Orders:
        """Hand over output; it is durable when the call returns."""
        return await self._ask("chunk", say.ChunkAsk(**_who(lease), chunks=tuple(chunks)), Orders)

    async def ship(self, lease: Lease, shipment: Shipment) -> Orders:
        """Report what began, hand over output, then report what ended; it is durable then."""
        if self._takes_shipments:
            ask = say.ShipAsk(**_who(lease), shipment=shipment)
            try:
                return await self._ask("ship", ask, Orders)
            except NotFound:  # a server of before there were shipments
                self._takes_shipments = False
        orders = Orders()
        if shipment.begun:
            orders = await self.report(lease, shipment.begun)
        if shipment.chunks:
            orders = await self.chunk(lease, shipment.chunks)
        if shipment.ended:
            orders = await self.report(lease, shipment.ended)
        return orders

    async def canceled(self, lease: Lease) -> None:
        """Return once this execution is to be cancelled or its lease is lost."""
        while not (await self._ask("canceled", _held(lease), say.Flag)).value:
            pass

    async def called(self, lease: Lease) -> Orders:
        """Return once this execution is to stop, or somebody wants a shell in it."""
        while self._takes_calls:
            try:
                orders = await self._ask("called", _held(lease), Orders)
            except NotFound:  # a server of before there were shells
                self._takes_calls = False
            else:
                if orders.cancel or orders.shell_wanted:
                    return orders
        await self.canceled(lease)
        return Orders(cancel=True)

    @asynccontextmanager
    async def shell(self, lease: Lease) -> AsyncIterator[ShellLine | None]:
        """Yield the line to who wants a shell in the execution, if they wait at the server that
        this call arrives at."""
        from roundel.wire.shell_line import RemoteLine, first_size

        query = {key: str(value) for key, value in _who(lease).items()}
        try:
            opened = await self._session.ws_connect(
                f"{self._base}/shell", params=query, heartbeat=HEARTBEAT_SECONDS, autoclose=False
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ServerAway(_sentence(error)) from error
        async with opened:
            size = await first_size(opened)
            yield None if size is None else RemoteLine(opened, size)

    async def finish(self, lease: Lease, result: Result) -> None:
        """End the execution; the lease is gone afterwards."""
        await self._ask("finish", say.FinishAsk(**_who(lease), result=result), say.Done)

    async def end(self, lease: Lease, shipment: Shipment, result: Result) -> None:
        """Take the last shipment and end the execution, both or neither."""
        if self._takes_ends:
            ask = say.EndAsk(**_who(lease), shipment=shipment, result=result)
            try:
                await self._ask("end", ask, say.Done)
            except NotFound:  # a server of before this was one call
                self._takes_ends = False
            else:
                return
        await self.ship(lease, shipment)
        await self.finish(lease, result)

    # -- domain.storage.Storage --

    async def upload(self, lease: Lease, data: AsyncIterator[bytes]) -> StoredBlob:
        """Store a stream of unknown length; nothing is kept if it breaks off."""
        query = {key: str(value) for key, value in _who(lease).items()}
        try:
            async with self._session.post(
                f"{self._base}/upload", params=query, data=data, timeout=_STREAM
            ) as answer:
                return say.unpacked(await _body(answer), StoredBlob)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ServerAway(_sentence(error)) from error

    async def download(self, lease: Lease, blob: BlobId, offset: int = 0) -> AsyncIterator[bytes]:
        """Yield a blob's bytes from `offset` on; `NotFound` if it is gone or not ours."""
        ask = say.packed(say.DownloadAsk(**_who(lease), blob=blob, offset=offset))
        try:
            async with self._session.post(
                f"{self._base}/download", data=ask, timeout=_STREAM
            ) as answer:
                if answer.status != 200:
                    await _body(answer)
                async for piece in answer.content.iter_chunked(PIECE_BYTES):
                    yield piece
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ServerAway(_sentence(error)) from error

    async def find_cache(self, lease: Lease, prefixes: Sequence[str]) -> FoundCache | None:
        """Return the newest cache of the first prefix that any key begins with."""
        ask = say.KeyAsk(**_who(lease), keys=tuple(prefixes))
        return (await self._ask("find-cache", ask, say.FoundAnswer)).cache

    async def has_cache(self, lease: Lease, key: str) -> bool:
        """Tell whether exactly this key is taken."""
        ask = say.KeyAsk(**_who(lease), keys=(key,))
        return (await self._ask("has-cache", ask, say.Flag)).value

    async def keep_cache(self, lease: Lease, key: str, blob: StoredBlob) -> bool:
        """Name a blob as a cache; False if the key was taken meanwhile."""
        ask = say.KeepCacheAsk(**_who(lease), key=key, blob=blob)
        return (await self._ask("keep-cache", ask, say.Flag)).value

    async def drop_cache(self, lease: Lease, cache: FoundCache) -> None:
        """Forget a cache whose archive turned out to be broken."""
        await self._ask("drop-cache", say.DropCacheAsk(**_who(lease), cache=cache), say.Done)

    async def layers(self, lease: Lease) -> tuple[WorkspaceLayer, ...] | LayerConflict:
        """Return the layers of all upstream jobs, in the order in which to unpack them."""
        answer = await self._ask("layers", _held(lease), say.LayersAnswer)
        return answer.layers if answer.conflict is None else answer.conflict

    async def keep_layer(self, lease: Lease, blob: StoredBlob, paths: Sequence[str]) -> None:
        """Name a blob as this execution's next workspace layer."""
        ask = say.KeepLayerAsk(**_who(lease), blob=blob, paths=tuple(paths))
        await self._ask("keep-layer", ask, say.Done)

    async def keep_artifact(self, lease: Lease, path: str, blob: StoredBlob) -> None:
        """Name a blob as an artifact; the same path again replaces it."""
        ask = say.KeepArtifactAsk(**_who(lease), path=path, blob=blob)
        await self._ask("keep-artifact", ask, say.Done)

    async def keep_tests(self, lease: Lease, part: str, results: Sequence[TestResult]) -> None:
        """Add test results to the job; a part that is there already changes nothing."""
        ask = say.KeepTestsAsk(**_who(lease), part=part, results=tuple(results))
        await self._ask("keep-tests", ask, say.Done)

    async def timings(self, lease: Lease, by: str) -> Mapping[str, float]:
        """Return seconds by file, classname or testname of the job's last run with results."""
        ask = say.TimingsAsk(**_who(lease), by=by)
        return (await self._ask("timings", ask, say.TimingsAnswer)).seconds

    async def failed_tests(self, lease: Lease) -> Sequence[FailedTest] | None:
        """Return the tests that this job is limited to; None unless failed ones are rerun."""
        return (await self._ask("failed-tests", _held(lease), say.FailedTestsAnswer)).tests

    async def identity_token(
        self, lease: Lease, claims: Mapping[str, object], root_issuer: bool
    ) -> Secret:
        """Return a token with claims that the job asks for; refuse a fork's."""
        ask = say.IdentityTokenAsk(**_who(lease), claims=dict(claims), root_issuer=root_issuer)
        return (await self._ask("identity-token", ask, say.IdentityTokenAnswer)).token

    async def checkout_password(self, lease: Lease) -> CheckoutPassword:
        """Return a password for the job's repository, made at its host."""
        return await self._ask("checkout-password", _held(lease), CheckoutPassword)

    async def log_release(self, lease: Lease, release: Release) -> None:
        """Keep what the job has deployed; refuse a fork's (NotAllowed), wrong names (Invalid)."""
        ask = say.LogReleaseAsk(**_who(lease), release=release)
        await self._ask("log-release", ask, say.Done)

    # -- calls --

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            # Each running job keeps one call open, so the number of connections has no limit.
            self._opened = aiohttp.ClientSession(
                headers={"authorization": f"Bearer {self._token}"},
                connector=aiohttp.TCPConnector(limit=0),
                auto_decompress=False,
            )
        return self._opened

    async def _ask(self, verb: str, ask: object, kind: type[T], seconds: float = CALL_SECONDS) -> T:
        limit = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
        try:
            async with self._session.post(
                f"{self._base}/{verb}", data=say.packed(ask), timeout=limit
            ) as answer:
                return say.unpacked(await _body(answer), kind)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ServerAway(_sentence(error)) from error


_STREAM = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    """Return the answer's body, or raise the refusal that it carries."""
    data = await answer.read()
    if answer.status == 200:
        return data
    refusal = say.REFUSALS.get(answer.headers.get(say.REFUSAL_HEADER, ""))
    if refusal is None:  # a proxy, a server that starts: no word of the server's own
        raise ServerAway(f"HTTP {answer.status}")
    raise refusal(data.decode(errors="replace"))


def _sentence(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _name(runner_id: str) -> str:
    """Return the runner's own part of its id; the server puts its class in front."""
    return runner_id.rpartition("/")[2]


def _who(lease: Lease) -> dict[str, Any]:
    return {
        "execution_id": lease.execution_id,
        "fence": lease.fence,
        "runner": _name(lease.runner_id),
    }


def _held(lease: Lease) -> say.Held:
    return say.Held(**_who(lease))
