"""Exporters of spans to OTLP collectors."""

from collections.abc import Mapping

import msgspec

from roundel.api.operations import AnyOperation, Call, Found, Operation, Query, Subject
from roundel.api.readers import ApiApp
from roundel.api.schemas.common import Message, Uuid
from roundel.domain.access import Need
from roundel.domain.errors import Invalid, NotAllowed, NotFound
from roundel.domain.ids import OrganizationId, is_uuid
from roundel.domain.telemetry import Exporter, ExporterId, OtlpProtocol
from roundel.services.exporters import AddExporter

HIDDEN = "xxxx"  # values of headers are keys as a rule
NO_ORGANIZATION = "Organization does not exist."


class ExporterShown(msgspec.Struct):
    """The values of headers are never shown."""

    id: Uuid
    org_id: Uuid
    endpoint: str
    protocol: OtlpProtocol
    insecure: bool
    headers: dict[str, str]


class ExporterBody(msgspec.Struct):
    org_id: str
    endpoint: str
    protocol: OtlpProtocol
    insecure: bool = False
    headers: dict[str, str] = {}


def _shown(exporter: Exporter) -> ExporterShown:
    return ExporterShown(
        id=exporter.id,
        org_id=exporter.organization_id,
        endpoint=exporter.endpoint,
        protocol=exporter.protocol,
        insecure=exporter.insecure,
        headers=dict.fromkeys(exporter.header_names, HIDDEN),
    )


async def _exporter(app: ApiApp, path: Mapping[str, str]) -> Found[Exporter] | None:
    text = path["otel_exporter_id"]
    found = await app.exporters.exporter(ExporterId(text.lower())) if is_uuid(text) else None
    return None if found is None else Found(found.organization_id, found)


_MISSING = "Exporter not found."
EXPORTER = Subject(find=_exporter, missing=_MISSING, outside=_MISSING)


def _organization(
    call: Call[None, None] | Call[None, ExporterBody], name: str, text: str, need: Need
) -> OrganizationId:
    if not is_uuid(text):
        raise Invalid(f"{name}: expected the id of an organization, a UUID")
    organization = OrganizationId(text.lower())
    if not call.actor.may(Need.READ, organization):
        raise NotFound(NO_ORGANIZATION)
    if not call.actor.may(need, organization):
        raise NotAllowed("Permission denied.")
    return organization


async def exporters(call: Call[None, None]) -> list[ExporterShown]:
    wanted = _organization(call, "org-id", call.query.get("org-id", ""), Need.ADMINISTER)
    return [_shown(it) for it in await call.app.exporters.exporters(wanted)]


async def create(call: Call[None, ExporterBody]) -> ExporterShown:
    body = call.body
    command = AddExporter(
        organization=_organization(call, "org_id", body.org_id, Need.ADMINISTER),
        endpoint=body.endpoint,
        protocol=body.protocol,
        insecure=body.insecure,
        headers=body.headers,
    )
    made = await call.door.use_cases.exporters.add(command)
    call.tell(made.organization_id, made.id)
    return _shown(made)


async def delete(call: Call[Exporter, None]) -> Message:
    await call.door.use_cases.exporters.remove(call.subject.id)
    return Message("Exporter deleted.")


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/otel/exporters",
        id="listOtelExporters",
        summary="List OTLP exporters",
        tag="OTEL",
        need=Need.SIGNED_IN,
        handler=exporters,
        answer=list[ExporterShown],
        query=(Query(name="org-id", summary="Whose exporters."),),
    ),
    Operation(
        method="POST",
        path="/otel/exporters",
        id="createOtelExporter",
        summary="Create OTLP exporter",
        tag="OTEL",
        need=Need.SIGNED_IN,
        handler=create,
        body=ExporterBody,
        answer=ExporterShown,
        status=201,
    ),
    Operation(
        method="DELETE",
        path="/otel/exporters/{otel_exporter_id}",
        id="deleteOtelExporter",
        summary="Delete OTLP exporter",
        tag="OTEL",
        need=Need.ADMINISTER,
        subject=EXPORTER,
        handler=delete,
        answer=Message,
    ),
]
