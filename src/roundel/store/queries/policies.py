"""Config policies and decisions as the API shows them."""

from collections.abc import Sequence

from roundel.domain.ids import OrganizationId
from roundel.domain.policies import DecisionFilter, DecisionId, DecisionLog, Policy
from roundel.store.database import Database
from roundel.store.dialect import Sql
from roundel.store.repos.policies import DECISION, bundle, decision_of


class SqlPolicyReads:
    """Implements `domain.policies.PolicyReads`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    async def bundle(self, organization: OrganizationId) -> Sequence[Policy]:
        """Return an organisation's policies by name."""
        return await self._read(lambda sql: bundle(sql, organization))

    async def decision(
        self, organization: OrganizationId, decision_id: DecisionId
    ) -> DecisionLog | None:
        """Return a decision."""
        return await self._read(lambda sql: _decision(sql, organization, decision_id))

    async def decisions(
        self, organization: OrganizationId, wanted: DecisionFilter, *, offset: int, limit: int
    ) -> Sequence[DecisionLog]:
        """Return decisions, newest first."""
        return await self._read(lambda sql: _decisions(sql, organization, wanted, offset, limit))


def _decision(
    sql: Sql, organization: OrganizationId, decision_id: DecisionId
) -> DecisionLog | None:
    row = sql.one(
        f"SELECT {DECISION} FROM decision WHERE id = :id AND organization_id = :organization",
        id=decision_id,
        organization=organization,
    )
    return None if row is None else decision_of(sql, row)


def _decisions(
    sql: Sql, organization: OrganizationId, wanted: DecisionFilter, offset: int, limit: int
) -> list[DecisionLog]:
    conditions = {
        "status = :status": ("status", wanted.status),
        "created_at > :after": ("after", wanted.after),
        "created_at < :before": ("before", wanted.before),
        "branch = :branch": ("branch", wanted.branch),
        "project_id = :project": ("project", wanted.project_id),
        "build_number = :number": ("number", wanted.build_number),
    }
    asked = {text: pair for text, pair in conditions.items() if pair[1] is not None}
    rows = sql.all(
        f"SELECT {DECISION} FROM decision WHERE "
        + " AND ".join(["organization_id = :organization", *asked])
        + " ORDER BY created_at DESC, id DESC LIMIT :limit OFFSET :offset",
        organization=organization,
        limit=limit,
        offset=offset,
        **dict(asked.values()),
    )
    return [decision_of(sql, row) for row in rows]
