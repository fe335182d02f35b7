"""Exporters of spans: where an organisation wants to see how its pipelines went."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import NewType, Protocol

from roundel.domain.clock import Micros
from roundel.domain.contexts import Sealed
from roundel.domain.ids import OrganizationId, ProjectId, WorkflowId
from roundel.domain.records import dataclass

ExporterId = NewType("ExporterId", str)

MOST_PER_ORGANIZATION = 5


class OtlpProtocol(StrEnum):
    """How a collector is spoken to."""

    GRPC = "grpc"
    HTTP = "http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """A collector.  `headers` are sealed as one, with their names; None where there are none."""

    id: ExporterId
    organization_id: OrganizationId
    endpoint: str
    protocol: OtlpProtocol
    insecure: bool
    headers: Sealed | None
    header_names: tuple[str, ...]
    created_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingExport:
    """A workflow that has ended and of which a collector has not heard yet."""

    exporter_id: ExporterId
    workflow_id: WorkflowId
    attempts: int
    ended_at: Micros


class SpanStatus(StrEnum):
    """How it went; canceled work is neither good nor bad."""

    UNSET = "unset"
    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of work in a trace.  The ids are 32 and 16 hexadecimal digits."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    start: Micros
    end: Micros
    status: SpanStatus = SpanStatus.UNSET
    message: str = ""
    attributes: Mapping[str, str | int] = field(default_factory=dict)


class Exporters(Protocol):
    """Where exporters are kept, and what waits for them."""

    def add(self, exporter: Exporter) -> None: ...

    def get(self, exporter_id: ExporterId) -> Exporter | None: ...

    def remove(self, exporter_id: ExporterId) -> bool:
        """Remove it with what waits for it; tell whether there was one."""

    def of_organization(self, organization_id: OrganizationId) -> Sequence[Exporter]: ...

    def of_project(self, project_id: ProjectId) -> Sequence[ExporterId]:
        """Return those of the organisation whose project it is."""

    def reseal(self, exporter: Exporter) -> None:
        """Save its headers."""

    def under_other_keys(self, key_id: str) -> Sequence[Exporter]:
        """Return exporters whose headers are not sealed under this key."""

    def await_export(self, export: WaitingExport) -> None:
        """Add it unless it waits already."""

    def next_export(self, exporter_id: ExporterId) -> WaitingExport | None:
        """Return the oldest one."""

    def failed(self, export: WaitingExport) -> None:
        """Count an attempt."""

    def done(self, export: WaitingExport) -> None: ...

    def forget(self, exporter_id: ExporterId, before: Micros) -> int:
        """Remove what has waited since before then; return how many."""


class ExporterReads(Protocol):
    """What the doors read of exporters."""

    async def exporter(self, exporter_id: ExporterId) -> Exporter | None: ...

    async def exporters(self, organization_id: OrganizationId) -> Sequence[Exporter]: ...
