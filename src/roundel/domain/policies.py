"""Config policies: what an organisation asks of configs, and what was decided about each."""

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NewType, Protocol

from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.plan import Json
from roundel.domain.records import dataclass

DecisionId = NewType("DecisionId", str)

LARGEST_BUNDLE = 2_621_440  # bytes of all policies together, as published


class Verdict(StrEnum):
    """`status` of a decision."""

    PASS = "PASS"  # noqa: S105 - a word of the API
    SOFT_FAIL = "SOFT_FAIL"
    HARD_FAIL = "HARD_FAIL"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy by the name that its `policy_name` rule gives."""

    name: str
    content: str
    created_at: Micros
    created_by: str

    @property
    def digest(self) -> str:
        """Return what decisions know the text by: its SHA-512."""
        return hashlib.sha512(self.content.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that a config breaks, and why."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What policies say of one config.  `reason` is there only for errors."""

    status: Verdict
    reason: str | None = None
    enabled_rules: tuple[str, ...] = ()
    hard_failures: tuple[Violation, ...] = ()
    soft_failures: tuple[Violation, ...] = ()

    @property
    def blocks(self) -> bool:
        """Tell whether the config may not run.  What could not be judged may not either."""
        return self.status in (Verdict.HARD_FAIL, Verdict.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionLog:
    """A decision about a pipeline, with the policies as they were."""

    id: DecisionId
    organization_id: OrganizationId
    project_id: ProjectId
    build_number: int
    branch: str | None
    metadata: Mapping[str, Json]
    decision: Decision
    policies: tuple[Policy, ...]
    created_at: Micros
    time_taken_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFilter:
    """Which decisions are wanted; None takes all."""

    status: str | None = None
    after: Micros | None = None
    before: Micros | None = None
    branch: str | None = None
    project_id: str | None = None
    build_number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleChange:
    """Names of policies that a new bundle brings, takes away and changes."""

    created: tuple[str, ...]
    deleted: tuple[str, ...]
    modified: tuple[str, ...]


def compare(before: Mapping[str, str], after: Mapping[str, str]) -> BundleChange:
    """Return what changes between two bundles, each a text by name."""
    both = before.keys() & after.keys()
    return BundleChange(
        created=tuple(sorted(after.keys() - before.keys())),
        deleted=tuple(sorted(before.keys() - after.keys())),
        modified=tuple(sorted(name for name in both if before[name] != after[name])),
    )


class Policies(Protocol):
    """Where policies and decisions are kept."""

    def bundle(self, organization: OrganizationId) -> Sequence[Policy]: ...

    def replace(self, organization: OrganizationId, policies: Sequence[Policy]) -> None:
        """Let an organisation have these policies and no others."""

    def add_decision(self, log: DecisionLog) -> None: ...


class PolicyReads(Protocol):
    """What is read of policies."""

    async def bundle(self, organization: OrganizationId) -> Sequence[Policy]: ...

    async def decision(
        self, organization: OrganizationId, decision_id: DecisionId
    ) -> DecisionLog | None: ...

    async def decisions(
        self, organization: OrganizationId, wanted: DecisionFilter, *, offset: int, limit: int
    ) -> Sequence[DecisionLog]:
        """Return decisions, newest first; the texts of their policies are left out."""
