"""Config policies and decisions as the API writes them."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from roundel.api.schemas.common import Time, Uuid, millis
from roundel.domain.policies import BundleChange, Decision, DecisionLog, Policy, Violation


class Failure(msgspec.Struct):
    rule: str
    reason: str


class DecisionShown(msgspec.Struct, omit_defaults=True):
    status: str
    reason: str | UnsetType = UNSET
    enabled_rules: list[str] = []
    hard_failures: list[Failure] = []
    soft_failures: list[Failure] = []


class DecisionLogShown(msgspec.Struct):
    id: Uuid
    created_at: Time
    decision: DecisionShown
    metadata: dict[str, Any]
    policies: dict[str, str]
    time_taken_ms: int


class PolicyShown(msgspec.Struct):
    name: str
    content: str
    created_at: Time
    created_by: str


class DecisionSettings(msgspec.Struct):
    enabled: bool


class DecisionBody(msgspec.Struct):
    input: str
    metadata: dict[str, Any] = {}


class BundleBody(msgspec.Struct):
    policies: dict[str, str]


class BundleDiff(msgspec.Struct):
    created: list[str]
    deleted: list[str]
    modified: list[str]


def decision_shown(decision: Decision) -> DecisionShown:
    return DecisionShown(
        status=decision.status.value,
        reason=decision.reason or UNSET,
        enabled_rules=list(decision.enabled_rules),
        hard_failures=list(map(_failure, decision.hard_failures)),
        soft_failures=list(map(_failure, decision.soft_failures)),
    )


def log_shown(log: DecisionLog) -> DecisionLogShown:
    return DecisionLogShown(
        id=log.id,
        created_at=millis(log.created_at),
        decision=decision_shown(log.decision),
        metadata=dict(log.metadata),
        policies={policy.name: policy.digest for policy in log.policies},
        time_taken_ms=log.time_taken_ms,
    )


def policy_shown(policy: Policy) -> PolicyShown:
    return PolicyShown(policy.name, policy.content, millis(policy.created_at), policy.created_by)


def diff_shown(change: BundleChange) -> BundleDiff:
    return BundleDiff(list(change.created), list(change.deleted), list(change.modified))


def _failure(violation: Violation) -> Failure:
    return Failure(violation.rule, violation.reason)
