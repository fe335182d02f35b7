"""Exporters of spans: made with their headers sealed, opened for use, and removed."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from roundel.domain.errors import Invalid, NotFound
from roundel.domain.ids import OrganizationId, TimerId, WorkflowId, new_id
from roundel.domain.outbox import OutboxEvent
from roundel.domain.records import dataclass
from roundel.domain.telemetry import (
    MOST_PER_ORGANIZATION,
    Exporter,
    ExporterId,
    OtlpProtocol,
    WaitingExport,
)
from roundel.domain.timers import Timer, TimerKind
from roundel.services.work import App, Tx
from roundel.vault.cipher import Cipher
from roundel.wire.otlp import address_of, is_installed
from roundel.wire.web import WebRefused

LONGEST_ENDPOINT = 2000
MOST_HEADERS = 20
LONGEST_HEADER = 8192
NOT_INSTALLED = (
    "Spans are exported with the extra `telemetry`: install it with"
    " `pip install 'roundel[telemetry]'`"
)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
_VALUE = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddExporter:
    """Let an organisation's pipelines be told to a collector."""

    organization: OrganizationId
    endpoint: str
    protocol: OtlpProtocol
    insecure: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


async def add_exporter(command: AddExporter, app: App) -> Exporter:
    """Make an exporter; refuse an address that must not be asked, and one too many."""
    _check(command, app)
    id_ = ExporterId(new_id())
    headers = None
    if command.headers:
        bound = _bound_to(command.organization, id_)
        headers = app.cipher.seal(json.dumps(dict(command.headers)), bound)
    made = Exporter(
        id=id_,
        organization_id=command.organization,
        endpoint=command.endpoint,
        protocol=command.protocol,
        insecure=command.insecure,
        headers=headers,
        header_names=tuple(command.headers),
        created_at=app.clock.now(),
    )

    def transaction(tx: Tx) -> None:
        if len(tx.exporters.of_organization(command.organization)) >= MOST_PER_ORGANIZATION:
            raise Invalid(
                f"The organization has {MOST_PER_ORGANIZATION} exporters; remove one first."
            )
        tx.exporters.add(made)

    await app.database.write(transaction)
    return made


async def remove_exporter(exporter_id: ExporterId, app: App) -> None:
    """Remove an exporter and what waits for it."""

    def transaction(tx: Tx) -> None:
        if not tx.exporters.remove(exporter_id):
            raise NotFound("Exporter not found")
        tx.timers.remove_for(TimerKind.EXPORT_SPANS, exporter_id)

    await app.database.write(transaction)


def await_spans(tx: Tx, event: OutboxEvent, those: Sequence[ExporterId]) -> None:
    """Let collectors wait for a workflow that has ended."""
    for exporter_id in those:
        workflow = WorkflowId(event.subject)
        tx.exporters.await_export(
            WaitingExport(
                exporter_id=exporter_id, workflow_id=workflow, attempts=0, ended_at=event.at
            )
        )
        tx.timers.add_once(
            Timer(
                id=TimerId(new_id()),
                kind=TimerKind.EXPORT_SPANS,
                subject=exporter_id,
                run_at=event.at,
            )
        )


def opened_headers(exporter: Exporter, cipher: Cipher) -> dict[str, str]:
    """Return what goes along with each request.  Raise CannotUnseal."""
    if exporter.headers is None:
        return {}
    bound = _bound_to(exporter.organization_id, exporter.id)
    found: dict[str, str] = json.loads(cipher.unseal(exporter.headers, bound))
    return found


async def reseal_exporters(app: App) -> int:
    """Seal headers that are under another key under the current one; return how many."""
    cipher = app.cipher

    def transaction(tx: Tx) -> int:
        count = 0
        for exporter in tx.exporters.under_other_keys(cipher.current):
            if exporter.headers is None or not cipher.knows(exporter.headers.key_id):
                continue
            bound = _bound_to(exporter.organization_id, exporter.id)
            anew = cipher.seal(cipher.unseal(exporter.headers, bound), bound)
            tx.exporters.reseal(replace(exporter, headers=anew))
            count += 1
        return count

    return await app.database.write(transaction)


def _bound_to(organization: OrganizationId, exporter: ExporterId) -> bytes:
    return json.dumps([organization, "otlp-exporter", exporter, "headers"]).encode()


def _check(command: AddExporter, app: App) -> None:
    if not is_installed():
        raise Invalid(NOT_INSTALLED)
    if len(command.endpoint) > LONGEST_ENDPOINT:
        raise Invalid(f"endpoint: longer than {LONGEST_ENDPOINT} characters")
    try:
        app.web.check(address_of(command.endpoint, command.protocol, insecure=command.insecure))
    except (ValueError, WebRefused) as refused:
        raise Invalid(f"endpoint: {refused}") from refused
    if len(command.headers) > MOST_HEADERS:
        raise Invalid(f"headers: more than {MOST_HEADERS}")
    for name, value in command.headers.items():
        if not _HEADER.fullmatch(name):
            raise Invalid(f"headers: {name[:40]!r} is no name of a header")
        if len(value) > LONGEST_HEADER or not _VALUE.fullmatch(value):
            raise Invalid(
                f"headers.{name}: expected at most {LONGEST_HEADER} printable ASCII characters"
            )
