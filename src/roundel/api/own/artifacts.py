"""The contents of artifacts: by a signed address, or with a token that may read the project."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from roundel.api import signing
from roundel.api.binding import number_of
from roundel.api.operations import OWN, AnyOperation, Call, Operation
from roundel.api.schemas.kept import signed_name
from roundel.domain.access import Need
from roundel.domain.artifacts import presentation
from roundel.domain.blobs import Blobs
from roundel.domain.errors import NotFound
from roundel.domain.ids import JobId, is_uuid
from roundel.domain.keeping import object_name

PIECE_BYTES = 1024 * 1024
_MISSING = "Artifact not found"


async def contents(call: Call[Any, None]) -> Response:
    job, node = call.path["job-id"].lower(), number_of(call.path["node"])
    path = call.path["path"]
    if not is_uuid(job) or node is None:
        raise NotFound(_MISSING)
    await _check_right(call, JobId(job), node, path)
    view = await call.app.reads.artifact(JobId(job), node, path)
    if view is None or await call.app.blobs.size(object_name(view.blob)) != view.size:
        raise NotFound(_MISSING)
    shown = presentation(path)
    name = quote(path.rpartition("/")[2])
    how = "inline" if shown.inline else "attachment"
    return StreamingResponse(
        _pieces(call.app.blobs, object_name(view.blob), view.size),
        headers={
            "content-type": shown.content_type,
            "content-length": str(view.size),
            "content-disposition": f"{how}; filename*=UTF-8''{name}",
            "content-security-policy": shown.policy,
            "x-content-type-options": "nosniff",
            "cross-origin-resource-policy": "same-origin",
            "referrer-policy": "no-referrer",  # the address is a right of its own
            "cache-control": "private, no-store",
        },
    )


async def _check_right(call: Call[Any, None], job: JobId, node: int, path: str) -> None:
    if call.caller is not None:
        owner = await call.app.reads.job_owner(job)
        if owner is not None and call.caller.may(Need.READ, owner):
            return
    expires, _, signature = call.path["grant"].partition(".")
    now, key = call.app.clock.now(), call.door.settings.signing_key
    signing.check(key, signed_name(job, node, path), expires, signature, now)


async def _pieces(blobs: Blobs, name: str, size: int) -> AsyncIterator[bytes]:
    for at in range(0, size, PIECE_BYTES):
        yield await blobs.get(name, start=at, end=min(at + PIECE_BYTES, size))


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/artifact/{job-id}/{node}/{grant}/{path*}",
        id="readArtifact",
        summary="Fetch an artifact by a signed address or with a token",
        tag="Roundel",
        need=Need.NOTHING,  # the signature is the right, or else the token is checked here
        handler=contents,
        prefix=OWN,
        extension=True,
    ),
]
