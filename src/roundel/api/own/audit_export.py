"""The audit log as one file, for administrators."""

import csv
import io
from collections.abc import AsyncIterator, Sequence

import msgspec
from starlette.responses import StreamingResponse

from roundel.api.operations import OWN, AnyOperation, Call, Operation, Query
from roundel.api.own.audit import EntryShown, entry_shown, only_server_administrators
from roundel.api.subjects import ORGANIZATION
from roundel.domain.access import Need
from roundel.domain.audit import AuditReads
from roundel.domain.errors import Invalid
from roundel.domain.ids import OrganizationId
from roundel.domain.limits import LimitClass
from roundel.domain.projects import Organization

_AT_ONCE = 1000  # entries that are held at a time
_KINDS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_COLUMNS = EntryShown.__struct_fields__
_encoder = msgspec.json.Encoder()


async def of_organization(call: Call[Organization, None]) -> StreamingResponse:
    return _export(call, call.subject.id)


async def of_server(call: Call[None, None]) -> StreamingResponse:
    only_server_administrators(call)
    return _export(call, None)


def _export(
    call: Call[Organization, None] | Call[None, None], organization: OrganizationId | None
) -> StreamingResponse:
    kind = call.query.get("format") or "csv"
    if kind not in _KINDS:
        raise Invalid(f"format: expected csv or jsonl, got {kind[:40]!r}")
    write = _as_csv if kind == "csv" else _as_lines

    async def pieces() -> AsyncIterator[bytes]:
        if kind == "csv":
            yield _rows([_COLUMNS])
        async for entries in _pages(call.app.audit, organization):
            yield write(entries)

    headers = {
        "content-disposition": f'attachment; filename="audit.{kind}"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return StreamingResponse(pieces(), media_type=_KINDS[kind], headers=headers)


async def _pages(
    log: AuditReads, organization: OrganizationId | None
) -> AsyncIterator[Sequence[EntryShown]]:
    """Yield all entries, newest first; what comes while they are read is left out."""
    before: int | None = None
    while True:
        found = await log.audit(organization, before=before, limit=_AT_ONCE)
        if found:
            yield [entry_shown(it) for it in found]
        if len(found) < _AT_ONCE:
            return
        before = found[-1].number


def _as_lines(entries: Sequence[EntryShown]) -> bytes:
    return _encoder.encode_lines(entries)


def _as_csv(entries: Sequence[EntryShown]) -> bytes:
    return _rows([[_cell(value) for value in msgspec.structs.astuple(it)] for it in entries])


def _cell(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula: paths and logins are foreign text."""
    return (
        f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
    )


def _rows(rows: Sequence[Sequence[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


_FORMAT = (Query(name="format", summary="csv, or jsonl for a JSON object a line; csv if absent."),)

OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/organization/{vcs}/{organization}/audit/export",
        id="exportAuditOfOrganization",
        summary="The whole audit log of an organization, newest first, as CSV or JSON lines",
        tag="Roundel",
        need=Need.ADMINISTER,
        subject=ORGANIZATION,
        handler=of_organization,
        prefix=OWN,
        media_type="text/csv",
        query=_FORMAT,
        extension=True,
        limit=LimitClass.EXPORT,
    ),
    Operation(
        method="GET",
        path="/audit/export",
        id="exportAudit",
        summary="The whole audit log of the server, newest first, as CSV or JSON lines",
        tag="Roundel",
        need=Need.SIGNED_IN,
        handler=of_server,
        prefix=OWN,
        media_type="text/csv",
        query=_FORMAT,
        extension=True,
        limit=LimitClass.EXPORT,
    ),
]
