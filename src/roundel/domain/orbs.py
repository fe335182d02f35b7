"""Orbs as a server keeps track of them: what was resolved, and from where they may come."""

from collections.abc import Sequence
from typing import NewType, Protocol

from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId, PipelineId
from roundel.domain.records import dataclass

UrlOrbId = NewType("UrlOrbId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrbLock:
    """What one reference of a config meant: the exact version, and the digest of its text."""

    written: str
    exact: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlOrbPrefix:
    """An entry of an organisation's allow-list: URL orbs may come from below `prefix`."""

    id: UrlOrbId
    organization_id: OrganizationId
    name: str
    prefix: str
    created_at: Micros


class OrbRecords(Protocol):
    """Where locks and allow-lists are kept."""

    def lock(self, pipeline_id: PipelineId, locks: Sequence[OrbLock]) -> None:
        """Add to what is locked of a pipeline; what is locked already stays."""

    def allow(self, entry: UrlOrbPrefix) -> bool:
        """Add an entry; tell whether it is new."""

    def forbid(self, organization: OrganizationId, entry: UrlOrbId) -> bool:
        """Remove an entry; tell whether there was one."""
