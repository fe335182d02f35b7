"""Usage exports of organisations, and the files that come of them."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import UNSET, UnsetType
from starlette.responses import Response, StreamingResponse

from roundel.api import signing
from roundel.api.binding import moment
from roundel.api.operations import OWN, AnyOperation, Call, Found, Operation, Subject
from roundel.api.readers import ApiApp
from roundel.api.schemas.common import Time, Uuid, millis
from roundel.api.subjects import ORGANIZATION_BY_ID
from roundel.domain.access import Need
from roundel.domain.blobs import Blobs
from roundel.domain.errors import NotFound
from roundel.domain.ids import OrganizationId, is_uuid
from roundel.domain.limits import LimitClass
from roundel.domain.projects import Organization
from roundel.domain.usage import ExportId, ExportState, UsageExport

_PATH = "/organizations/{org_id}/usage_export_job"
_MISSING = "Usage export not found."
PIECE_BYTES = 1024 * 1024


class ExportBody(msgspec.Struct, forbid_unknown_fields=True):
    start: str
    end: str
    shared_org_ids: list[str] = []


class ExportMade(msgspec.Struct):
    usage_export_job_id: Uuid
    state: ExportState
    start: Time
    end: Time
    download_urls: list[str]


class ExportShown(msgspec.Struct):
    usage_export_job_id: Uuid
    state: ExportState
    download_urls: list[str]
    error_reason: str | UnsetType = UNSET


async def _export(app: ApiApp, path: Mapping[str, str]) -> Found[UsageExport] | None:
    organization, text = path["org_id"].lower(), path["usage_export_job_id"]
    if not is_uuid(organization):
        return None
    found = await app.usage.export(ExportId(text.lower())) if is_uuid(text) else None
    if found is not None and found.organization_id != organization:
        found = None
    return Found(OrganizationId(organization), found)


EXPORT = Subject(find=_export, missing=_MISSING, outside="Organization does not exist.")


async def create(call: Call[Organization, ExportBody]) -> ExportMade:
    body = call.body
    shared = [_shared(call, text) for text in body.shared_org_ids]
    made = await call.door.use_cases.ask_for_export(
        call.subject.id, shared, moment("start", body.start), moment("end", body.end)
    )
    return ExportMade(made.id, made.state, millis(made.start), millis(made.end), [])


def _shared(call: Call[Organization, ExportBody], text: str) -> OrganizationId:
    """Return another organisation whose usage is wanted as well; the caller must be in it."""
    organization = OrganizationId(text.lower())
    if not is_uuid(text) or not call.actor.may(Need.READ, organization):
        raise NotFound(f"shared_org_ids: the organization {text[:40]!r} does not exist.")
    return organization


async def show(call: Call[UsageExport, None]) -> ExportShown:
    export = call.subject
    urls: list[str] = []
    if export.state is ExportState.COMPLETED:
        key, now = call.door.settings.signing_key, call.app.clock.now()
        grant = signing.sign(key, export.blob, now)
        urls = [f"{call.origin}{OWN}/usage-export/{export.id}/usage.csv.gz?{grant}"]
    return ExportShown(export.id, export.state, urls, export.error or UNSET)


async def contents(call: Call[Any, None]) -> Response:
    text = call.path["usage_export_job_id"]
    export = await call.app.usage.export(ExportId(text.lower())) if is_uuid(text) else None
    if export is None or export.size is None:
        raise NotFound(_MISSING)
    query, key = call.query, call.door.settings.signing_key
    expires, signature = query.get("expires", ""), query.get("signature", "")
    signing.check(key, export.blob, expires, signature, call.app.clock.now())
    if await call.app.blobs.size(export.blob) != export.size:
        raise NotFound(_MISSING)
    return StreamingResponse(
        _pieces(call.app.blobs, export.blob, export.size),
        headers={
            "content-type": "application/gzip",
            "content-length": str(export.size),
            "content-disposition": f"attachment; filename={quote(f'usage-{export.id}.csv.gz')}",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",  # the address is a right of its own
            "cache-control": "private, no-store",
        },
    )


async def _pieces(blobs: Blobs, name: str, size: int) -> AsyncIterator[bytes]:
    for at in range(0, size, PIECE_BYTES):
        yield await blobs.get(name, start=at, end=min(at + PIECE_BYTES, size))


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="POST",
        path=_PATH,
        id="createUsageExport",
        summary="Create a usage export",
        tag="Usage",
        need=Need.WRITE,
        subject=ORGANIZATION_BY_ID,
        handler=create,
        body=ExportBody,
        answer=ExportMade,
        status=201,
        limit=LimitClass.EXPORT,
    ),
    Operation(
        method="GET",
        path=_PATH + "/{usage_export_job_id}",
        id="getUsageExport",
        summary="Get a usage export",
        tag="Usage",
        need=Need.READ,
        subject=EXPORT,
        handler=show,
        answer=ExportShown,
        limit=LimitClass.EXPORT,
    ),
    Operation(
        method="GET",
        path="/usage-export/{usage_export_job_id}/usage.csv.gz",
        id="readUsageExport",
        summary="Fetch the file of a usage export by its signed address",
        tag="Roundel",
        need=Need.NOTHING,  # the signature is the right
        handler=contents,
        prefix=OWN,
        extension=True,
    ),
]
