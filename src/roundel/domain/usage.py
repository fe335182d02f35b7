"""Usage exports: what an organisation's jobs used in a span of time, one line a job."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NewType, Protocol

from roundel.domain.clock import DAY, HOUR, Micros
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.jobs import Job
from roundel.domain.pipelines import Pipeline
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.domain.workflows import Workflow

ExportId = NewType("ExportId", str)

LONGEST_SPAN = 32 * DAY  # the document says 31, its guides 32
OLDEST = 396 * DAY  # 13 months
MOST_PER_HOUR = 10  # exports of one organisation
KEPT_FOR = 30 * DAY
PER = HOUR


class ExportState(StrEnum):
    """Words of the API."""

    CREATED = "created"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageExport:
    """One export.  `start` and `end` belong to the span; `blob` is the file once it is there."""

    id: ExportId
    organization_id: OrganizationId
    shared: tuple[OrganizationId, ...]
    start: Micros
    end: Micros
    state: ExportState
    created_at: Micros
    error: str | None = None
    size: int | None = None

    @property
    def blob(self) -> str:
        return f"usage/{self.organization_id}/{self.id}.csv.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedJob:
    """An ended job with what surrounds it."""

    job: Job
    workflow: Workflow
    pipeline: Pipeline
    first_queued_at: Micros | None  # of the workflow's jobs
    first_started_at: Micros | None


class UsageExports(Protocol):
    """Where exports are kept."""

    def add(self, export: UsageExport) -> None: ...

    def get(self, export_id: ExportId) -> UsageExport | None: ...

    def save(self, export: UsageExport) -> None: ...

    def asked_since(self, organization: OrganizationId, since: Micros) -> Sequence[Micros]:
        """Return when an organisation's exports were asked for, the oldest first."""

    def expire(self, before: Micros, limit: int) -> Sequence[UsageExport]:
        """Remove old exports and return them."""


class UsageReads(Protocol):
    """What is read of usage."""

    async def export(self, export_id: ExportId) -> UsageExport | None: ...

    async def exports(self, organization: OrganizationId, limit: int) -> Sequence[UsageExport]:
        """Return what an organization has asked for, the newest first."""

    async def projects(self, organizations: Sequence[OrganizationId]) -> Sequence[Project]: ...

    async def last_build(self, project: ProjectId) -> Micros | None:
        """Return when the newest job of a project ended."""

    async def jobs(
        self, project: ProjectId, *, after: int, start: Micros, end: Micros, limit: int
    ) -> tuple[Sequence[UsedJob], int | None]:
        """Look at `limit` jobs from behind number `after` on.

        Return those that ended within the span, and the number to go on from, if any is left.
        """
