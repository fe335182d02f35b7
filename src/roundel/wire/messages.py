"""What a runner elsewhere and its server say to each other: MessagePack over HTTP.

Every call is `POST {PREFIX}/{verb}` with one message, answered by one; only bytes of blobs travel
bare.  An order to run a job is the domain's own value: there is one truth about its fields.
"""

from typing import Any, Final, TypeVar

import msgspec

from roundel.domain.deploys import Release
from roundel.domain.errors import (
    DomainError,
    Invalid,
    LeaseLost,
    NotAllowed,
    NotFound,
    Unauthenticated,
)
from roundel.domain.resource_use import Sample
from roundel.domain.runners import (
    Chunk,
    JobOrder,
    Orders,
    Result,
    Resumed,
    Secret,
    Shipment,
    StepReport,
)
from roundel.domain.storage import (
    FailedTest,
    FoundCache,
    LayerConflict,
    StoredBlob,
    TestResult,
    WorkspaceLayer,
)

T = TypeVar("T")

PREFIX: Final = "/api/roundel/runner"
REFUSAL_HEADER: Final = "x-roundel-refusal"
POLL_SECONDS: Final = 20.0  # how long the server keeps a call open that waits
WAITING: Final = frozenset({"claim", "canceled", "called"})  # the calls that wait

# Which refusals are told by name.  Any other failure is a server that is away: ask again.
REFUSALS: dict[str, type[DomainError]] = {
    kind.__name__: kind for kind in (Invalid, Unauthenticated, NotAllowed, NotFound, LeaseLost)
}


class Held(msgspec.Struct, kw_only=True):
    """Which execution is spoken of.  Whose it is, the token says."""

    execution_id: str
    fence: int
    runner: str  # the name of the runner below its class


class ClaimAsk(msgspec.Struct, kw_only=True):
    runner: str
    hostname: str
    version: str
    resource_classes: tuple[str, ...]
    wait_seconds: float
    ahead: int = 0  # runners of before containers were prepared ahead do not say it


class SettleAsk(msgspec.Struct, kw_only=True):
    runner: str
    holds: tuple[str, ...]


class RenewAsk(Held, kw_only=True):
    samples: tuple[Sample, ...] = ()  # runners of before this was measured say none


class ReportAsk(Held, kw_only=True):
    steps: tuple[StepReport, ...]


class ChunkAsk(Held, kw_only=True):
    chunks: tuple[Chunk, ...]


class ShipAsk(Held, kw_only=True):
    shipment: Shipment


class FinishAsk(Held, kw_only=True):
    result: Result


class EndAsk(Held, kw_only=True):
    shipment: Shipment
    result: Result


class DownloadAsk(Held, kw_only=True):
    blob: str
    offset: int


class KeyAsk(Held, kw_only=True):
    keys: tuple[str, ...]


class KeepCacheAsk(Held, kw_only=True):
    key: str
    blob: StoredBlob


class DropCacheAsk(Held, kw_only=True):
    cache: FoundCache


class KeepLayerAsk(Held, kw_only=True):
    blob: StoredBlob
    paths: tuple[str, ...]


class KeepArtifactAsk(Held, kw_only=True):
    path: str
    blob: StoredBlob


class KeepTestsAsk(Held, kw_only=True):
    part: str
    results: tuple[TestResult, ...]


class TimingsAsk(Held, kw_only=True):
    by: str


class IdentityTokenAsk(Held, kw_only=True):
    claims: dict[str, Any]  # as the job has written them, and not checked yet
    root_issuer: bool


class IdentityTokenAnswer(msgspec.Struct, kw_only=True):
    token: Secret


class LogReleaseAsk(Held, kw_only=True):
    release: Release


class Claimed(msgspec.Struct, kw_only=True):
    order: JobOrder | None


class ResumeAnswer(msgspec.Struct, kw_only=True):
    resumed: Resumed | None


class Flag(msgspec.Struct, kw_only=True):
    value: bool


class FoundAnswer(msgspec.Struct, kw_only=True):
    cache: FoundCache | None


class LayersAnswer(msgspec.Struct, kw_only=True):
    """One of the two."""

    layers: tuple[WorkspaceLayer, ...] = ()
    conflict: LayerConflict | None = None


class TimingsAnswer(msgspec.Struct, kw_only=True):
    seconds: dict[str, float]


class FailedTestsAnswer(msgspec.Struct, kw_only=True):
    tests: tuple[FailedTest, ...] | None


class Done(msgspec.Struct, kw_only=True):
    """Nothing more to say."""


__all__ = ["Orders", "StoredBlob"]  # answers that are the domain's own


def _plain(value: object) -> object:
    if isinstance(value, Secret):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a message")


def _typed(kind: type[Any], value: Any) -> Any:
    if kind is Secret:
        return Secret(value)
    raise TypeError(f"{kind.__name__} has no place in a message")


def packed(message: object) -> bytes:
    """Return a message's bytes."""
    return msgspec.msgpack.encode(message, enc_hook=_plain)


def unpacked(data: bytes, kind: type[T]) -> T:
    """Return the message in `data`; raise Invalid where it is none of that kind."""
    try:
        return msgspec.msgpack.decode(data, type=kind, dec_hook=_typed)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Invalid(f"not a {kind.__name__} message: {error}") from error
