"""Config policies of organisations, and the decisions that were made by them."""

from collections.abc import Mapping

from roundel.api.binding import flag, moment, number_of, whole_number
from roundel.api.errors import Refusal
from roundel.api.operations import AnyOperation, Call, Found, Operation, Query, Subject
from roundel.api.readers import ApiApp
from roundel.api.schemas.policies import (
    BundleBody,
    BundleDiff,
    DecisionBody,
    DecisionLogShown,
    DecisionSettings,
    DecisionShown,
    PolicyShown,
    decision_shown,
    diff_shown,
    log_shown,
    policy_shown,
)
from roundel.domain.access import Need
from roundel.domain.errors import Invalid, NotAllowed, NotFound
from roundel.domain.ids import OrganizationId, is_uuid
from roundel.domain.limits import LimitClass
from roundel.domain.policies import (
    LARGEST_BUNDLE,
    DecisionFilter,
    DecisionId,
    DecisionLog,
    Verdict,
)

_CONTEXT = "/owner/{ownerID}/context/{context}"
_DECISION = f"{_CONTEXT}/decision"
_BUNDLE = f"{_CONTEXT}/policy-bundle"
_TAG = "Policy Management"
FORBIDDEN = "Forbidden"
PAGE_SIZE = 20
DEEPEST = 10_000  # decisions; whoever looks for older ones says before when


async def _owner(app: ApiApp, path: Mapping[str, str]) -> Found[OrganizationId] | None:
    if path["context"] != "config":
        raise Invalid("context: must be a valid value.")
    text = path["ownerID"].lower()
    if not is_uuid(text) or await app.reads.organization_by_id(OrganizationId(text)) is None:
        return None
    return Found(OrganizationId(text), OrganizationId(text))


async def _log(app: ApiApp, path: Mapping[str, str]) -> Found[DecisionLog] | None:
    owner = await _owner(app, path)
    if owner is None:
        return None
    text = path["decisionID"].lower()
    found = None
    if is_uuid(text):
        found = await app.policies.decision(owner.organization, DecisionId(text))
    return Found(owner.organization, found)


# The published answer to those outside of the organisation is 403, and there is no 404.
OWNER = Subject(find=_owner, missing=FORBIDDEN, outside=FORBIDDEN, unseen=NotAllowed)
LOG = Subject(find=_log, missing="decision log not found", outside=FORBIDDEN, unseen=NotAllowed)


async def bundle(call: Call[OrganizationId, None]) -> dict[str, PolicyShown]:
    found = await call.app.policies.bundle(call.subject)
    return {policy.name: policy_shown(policy) for policy in found}


async def policy(call: Call[OrganizationId, None]) -> PolicyShown:
    wanted = call.path["policyName"]
    for found in await call.app.policies.bundle(call.subject):
        if found.name == wanted:
            return policy_shown(found)
    raise NotFound("policy not found")


async def put_bundle(call: Call[OrganizationId, BundleBody]) -> BundleDiff:
    files = call.body.policies
    if sum(len(text.encode()) for text in files.values()) > LARGEST_BUNDLE:
        raise Refusal(413, "http: request payload too large")
    dry = flag(call.query, "dry")
    change = await call.door.use_cases.policies.replace_bundle(
        call.subject, files, call.actor, dry=dry
    )
    if dry:
        call.status = 200
    return diff_shown(change)


async def settings(call: Call[OrganizationId, None]) -> DecisionSettings:
    found = await call.app.reads.organization_settings(call.subject)
    return DecisionSettings(found.config_policies)


async def change_settings(call: Call[OrganizationId, DecisionSettings]) -> DecisionSettings:
    enabled = await call.door.use_cases.policies.switch(call.subject, call.body.enabled)
    return DecisionSettings(enabled)


async def decide(call: Call[OrganizationId, DecisionBody]) -> DecisionShown:
    body = call.body
    decision = await call.door.use_cases.policies.decide(call.subject, body.input, body.metadata)
    return decision_shown(decision)


async def decisions(call: Call[OrganizationId, None]) -> list[DecisionLogShown]:
    offset = whole_number(call.query, "offset", 0, DEEPEST)
    found = await call.app.policies.decisions(
        call.subject, _filter(call.query), offset=offset, limit=PAGE_SIZE
    )
    return [log_shown(log) for log in found]


def _filter(query: Mapping[str, str]) -> DecisionFilter:
    status, number = query.get("status") or None, query.get("build_number") or None
    if status is not None and status not in set(Verdict):
        raise Invalid(f"status: expected one of {', '.join(Verdict)}")
    if number is not None and number_of(number) is None:
        raise Invalid("build_number: expected a whole number")
    return DecisionFilter(
        status=status,
        after=moment("after", query["after"]) if query.get("after") else None,
        before=moment("before", query["before"]) if query.get("before") else None,
        branch=query.get("branch") or None,
        project_id=query.get("project_id") or None,
        build_number=None if number is None else number_of(number),
    )


async def decision(call: Call[DecisionLog, None]) -> DecisionLogShown:
    return log_shown(call.subject)


async def decision_bundle(call: Call[DecisionLog, None]) -> dict[str, PolicyShown]:
    return {it.name: policy_shown(it) for it in call.subject.policies}


_FILTERS = (
    Query(name="status", summary="Only decisions with this status."),
    Query(name="after", summary="Only decisions made after this time."),
    Query(name="before", summary="Only decisions made before this time."),
    Query(name="branch", summary="Only decisions on this branch."),
    Query(name="project_id", summary="Only decisions for this project."),
    Query(name="build_number", summary="Only the decision for this pipeline number."),
    Query(name="offset", summary="How many decisions to pass over.", type=int),
)

OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path=_DECISION,
        id="GetDecisionLogs",
        summary="Retrieves the owner's decision audit logs.",
        tag=_TAG,
        need=Need.READ,
        subject=OWNER,
        handler=decisions,
        answer=list[DecisionLogShown],
        query=_FILTERS,
        error_key="error",
    ),
    Operation(
        method="POST",
        path=_DECISION,
        id="MakeDecision",
        only_tries=True,
        summary="Makes a decision",
        tag=_TAG,
        need=Need.WRITE,
        subject=OWNER,
        handler=decide,
        body=DecisionBody,
        answer=DecisionShown,
        error_key="error",
        limit=LimitClass.COMPILE,
    ),
    Operation(
        method="GET",
        path=f"{_DECISION}/settings",
        id="GetDecisionSettings",
        summary="Get the decision settings",
        tag=_TAG,
        need=Need.READ,
        subject=OWNER,
        handler=settings,
        answer=DecisionSettings,
        error_key="error",
    ),
    Operation(
        method="PATCH",
        path=f"{_DECISION}/settings",
        id="SetDecisionSettings",
        summary="Set the decision settings",
        tag=_TAG,
        need=Need.ADMINISTER,
        subject=OWNER,
        handler=change_settings,
        body=DecisionSettings,
        answer=DecisionSettings,
        error_key="error",
    ),
    Operation(
        method="GET",
        path=f"{_DECISION}/{{decisionID}}",
        id="GetDecisionLog",
        summary="Retrieves the owner's decision audit log by given decisionID",
        tag=_TAG,
        need=Need.READ,
        subject=LOG,
        handler=decision,
        answer=DecisionLogShown,
        error_key="error",
    ),
    Operation(
        method="GET",
        path=f"{_DECISION}/{{decisionID}}/policy-bundle",
        id="GetDecisionLogPolicyBundle",
        summary="Retrieves Policy Bundle for a given decision log ID",
        tag=_TAG,
        need=Need.READ,
        subject=LOG,
        handler=decision_bundle,
        answer=dict[str, PolicyShown],
        error_key="error",
    ),
    Operation(
        method="GET",
        path=_BUNDLE,
        id="GetPolicyBundle",
        summary="Retrieves Policy Bundle",
        tag=_TAG,
        need=Need.READ,
        subject=OWNER,
        handler=bundle,
        answer=dict[str, PolicyShown],
        error_key="error",
    ),
    Operation(
        method="POST",
        path=_BUNDLE,
        id="CreatePolicyBundle",
        summary="Creates policy bundle for the context",
        tag=_TAG,
        need=Need.ADMINISTER,
        subject=OWNER,
        handler=put_bundle,
        body=BundleBody,
        answer=BundleDiff,
        status=201,
        query=(Query(name="dry", summary="Only compare with what is there.", type=bool),),
        error_key="error",
        limit=LimitClass.COMPILE,
    ),
    Operation(
        method="GET",
        path=f"{_BUNDLE}/{{policyName}}",
        id="GetPolicyDocument",
        summary="Retrieves a policy document",
        tag=_TAG,
        need=Need.READ,
        subject=OWNER,
        handler=policy,
        answer=PolicyShown,
        error_key="error",
    ),
]
