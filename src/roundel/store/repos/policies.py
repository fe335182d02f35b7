"""Config policies and what was decided."""

from collections.abc import Sequence

import msgspec

from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.policies import Decision, DecisionId, DecisionLog, Policy
from roundel.store.dialect import Row, Sql
from roundel.store.repos.documents import SqlDocuments
from roundel.store.rows import json_text, values_of

DECISION = (
    "id, organization_id, project_id, build_number, branch, metadata, status, decision, policies, "
    "created_at, time_taken_ms"
)
_decision = msgspec.json.Decoder(Decision)


class Kept(msgspec.Struct, array_like=True):
    """A policy of a decision: its text is a document."""

    name: str
    document: str
    created_at: int
    created_by: str


_kept = msgspec.json.Decoder(list[Kept])


def bundle(sql: Sql, organization: OrganizationId) -> list[Policy]:
    """Return an organisation's policies by name."""
    rows = sql.all(
        "SELECT p.name, d.text, p.created_at, p.created_by FROM policy p"
        " JOIN document d ON d.hash = p.document WHERE p.organization_id = :id ORDER BY p.name",
        id=organization,
    )
    return [_policy(*row) for row in rows]


def decision_of(sql: Sql, row: Row) -> DecisionLog:
    """Read a decision with the policies that it was made by."""
    documents = SqlDocuments(sql)
    policies = [
        _policy(it.name, documents.get(it.document) or "", it.created_at, it.created_by)
        for it in _kept.decode(row[8])
    ]
    return DecisionLog(
        id=DecisionId(row[0]),
        organization_id=OrganizationId(row[1]),
        project_id=ProjectId(row[2]),
        build_number=row[3],
        branch=row[4],
        metadata=msgspec.json.decode(row[5]),
        decision=_decision.decode(row[7]),
        policies=tuple(policies),
        created_at=Micros(row[9]),
        time_taken_ms=row[10],
    )


def _policy(name: str, content: str, created_at: int, created_by: str) -> Policy:
    return Policy(name=name, content=content, created_at=Micros(created_at), created_by=created_by)


class SqlPolicies:
    """Implements `domain.policies.Policies`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._documents = SqlDocuments(sql)

    def bundle(self, organization: OrganizationId) -> Sequence[Policy]:
        """Return an organisation's policies by name."""
        return bundle(self._sql, organization)

    def replace(self, organization: OrganizationId, policies: Sequence[Policy]) -> None:
        """Let an organisation have these policies and no others."""
        self._sql.run("DELETE FROM policy WHERE organization_id = :id", id=organization)
        for policy in policies:
            self._sql.run(
                "INSERT INTO policy (organization_id, name, document, created_at, created_by)"
                " VALUES (:organization, :name, :document, :at, :by)",
                organization=organization,
                name=policy.name,
                document=self._documents.put(policy.content),
                at=policy.created_at,
                by=policy.created_by,
            )

    def add_decision(self, log: DecisionLog) -> None:
        """Keep a decision."""
        kept = [
            Kept(it.name, self._documents.put(it.content), it.created_at, it.created_by)
            for it in log.policies
        ]
        self._sql.run(
            f"INSERT INTO decision ({DECISION}) VALUES ({values_of(DECISION)})",
            id=log.id,
            organization_id=log.organization_id,
            project_id=log.project_id,
            build_number=log.build_number,
            branch=log.branch,
            metadata=json_text(log.metadata),
            status=log.decision.status.value,
            decision=json_text(log.decision),
            policies=json_text(kept),
            created_at=log.created_at,
            time_taken_ms=log.time_taken_ms,
        )
