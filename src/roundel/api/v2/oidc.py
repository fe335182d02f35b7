"""Identity tokens (OpenID Connect): claims that people choose, and what verifiers read."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from roundel.api.operations import AnyOperation, Call, Found, Operation, Query, Subject
from roundel.api.readers import ApiApp
from roundel.api.schemas.common import Time, Uuid, millis
from roundel.domain.access import Need
from roundel.domain.errors import Invalid, NotAllowed, NotFound
from roundel.domain.ids import OrganizationId, ProjectId, is_uuid
from roundel.domain.oidc import ALGORITHM, CustomClaims
from roundel.domain.records import dataclass

KEYS_SECONDS = 3600  # for so long verifiers may keep the keys; the next is published a day ahead
KEYS_NAME = "jwks-pub.json"


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose claims are meant: an organisation's, or those of one of its projects."""

    organization: OrganizationId
    project: ProjectId | None = None


class ClaimsBody(msgspec.Struct):
    """What to set; what is absent stays as it is."""

    audience: list[str] | UnsetType = UNSET
    ttl: str | UnsetType = UNSET


class ClaimsShown(msgspec.Struct):
    org_id: Uuid
    project_id: Uuid | UnsetType = UNSET
    audience: list[str] | UnsetType = UNSET
    audience_updated_at: Time | UnsetType = UNSET
    ttl: str | UnsetType = UNSET
    ttl_updated_at: Time | UnsetType = UNSET


def _shown(whose: Whose, claims: CustomClaims) -> ClaimsShown:
    audience_at, ttl_at = claims.audience_updated_at, claims.ttl_updated_at
    return ClaimsShown(
        whose.organization,
        UNSET if whose.project is None else whose.project,
        UNSET if claims.audience is None else list(claims.audience),
        UNSET if audience_at is None else millis(audience_at),
        UNSET if claims.ttl is None else claims.ttl,
        UNSET if ttl_at is None else millis(ttl_at),
    )


def _uuid(path: Mapping[str, str], name: str, shown: str) -> str:
    text = path[name]
    if not is_uuid(text):
        raise Invalid(f"{shown}: must be a valid UUID.")
    return text.lower()


async def _organization(app: ApiApp, path: Mapping[str, str]) -> Found[Whose] | None:
    found = await app.reads.organization_by_id(OrganizationId(_uuid(path, "orgID", "OrgID")))
    return None if found is None else Found(found.id, Whose(found.id))


async def _project(app: ApiApp, path: Mapping[str, str]) -> Found[Whose] | None:
    organization = _uuid(path, "orgID", "OrgID")
    found = await app.reads.project_by_id(ProjectId(_uuid(path, "projectID", "ProjectID")))
    if found is None or found.organization.id != organization:
        return None
    return Found(found.organization.id, Whose(found.organization.id, found.id))


# The published answers have no 404: what is not there is forbidden like what one may not see.
_FORBIDDEN = "Forbidden"
_ORGANIZATION = Subject(
    find=_organization, missing=_FORBIDDEN, outside=_FORBIDDEN, unseen=NotAllowed
)
_PROJECT = Subject(find=_project, missing=_FORBIDDEN, outside=_FORBIDDEN, unseen=NotAllowed)


async def show(call: Call[Whose, None]) -> ClaimsShown:
    whose = call.subject
    found = await call.door.use_cases.oidc.claims(whose.organization, whose.project)
    return _shown(whose, found)


async def change(call: Call[Whose, ClaimsBody]) -> ClaimsShown:
    whose, body = call.subject, call.body
    audience = None if body.audience is UNSET else body.audience
    ttl = None if body.ttl is UNSET else body.ttl
    cases = call.door.use_cases.oidc
    return _shown(
        whose, await cases.change_claims(whose.organization, whose.project, audience, ttl)
    )


async def clear(call: Call[Whose, None]) -> ClaimsShown:
    whose = call.subject
    names = [name.strip() for name in call.query.get("claims", "").split(",") if name.strip()]
    cases = call.door.use_cases.oidc
    return _shown(whose, await cases.clear_claims(whose.organization, whose.project, names))


# -- what verifiers read: no token, and the same for everybody --


async def discovery(call: Call[Any, None]) -> Response:
    found = await call.door.use_cases.oidc.published(await _issuing(call))
    return _public(
        {
            "issuer": found.issuer,
            "jwks_uri": f"{found.issuer}/.well-known/{KEYS_NAME}",
            "subject_types_supported": ["public", "pairwise"],
            "response_types_supported": ["id_token"],
            "claims_supported": ["sub", "aud", "exp", "iat", "iss", "jti", "nbf"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "scopes_supported": ["openid"],
        }
    )


async def keys(call: Call[Any, None]) -> Response:
    found = await call.door.use_cases.oidc.published(await _issuing(call))
    return _public({"keys": [json.loads(key) for key in found.keys]})


async def _issuing(call: Call[Any, None]) -> OrganizationId | None:
    """Return the organisation that the path names; None for the issuer that all share."""
    if "orgID" not in call.path:
        return None
    text = call.path["orgID"].lower()
    found = await call.app.reads.organization_by_id(OrganizationId(text)) if is_uuid(text) else None
    if found is None:
        raise NotFound("Organization not found")
    return found.id


def _public(document: object) -> Response:
    headers = {
        "cache-control": f"public, max-age={KEYS_SECONDS}",
        "access-control-allow-origin": "*",
    }
    return Response(json.dumps(document), media_type="application/json", headers=headers)


def _claims(path: str, subject: Subject[Whose], whose: str, level: str) -> list[AnyOperation]:
    shared: dict[str, Any] = {
        "path": path,
        "tag": "OIDC Token Management",
        "subject": subject,
        "answer": ClaimsShown,
        "error_key": "error",
    }
    return [
        Operation(
            method="GET",
            id=f"Get{whose}Claims",
            summary=f"Get {level}-level claims",
            need=Need.READ,
            handler=show,
            **shared,
        ),
        Operation(
            method="PATCH",
            id=f"Patch{whose}Claims",
            summary=f"Patch {level}-level claims",
            need=Need.ADMINISTER,
            handler=change,
            body=ClaimsBody,
            **shared,
        ),
        Operation(
            method="DELETE",
            id=f"Delete{whose}Claims",
            summary=f"Delete {level}-level claims",
            need=Need.ADMINISTER,
            handler=clear,
            query=(Query(name="claims", summary="audience, ttl, or both with a comma between."),),
            **shared,
        ),
    ]


def _open(path: str, id_: str, summary: str, handler: Any) -> AnyOperation:
    return Operation(
        method="GET",
        path=path,
        id=id_,
        summary=summary,
        tag="OIDC Token Management",
        need=Need.NOTHING,
        handler=handler,
        prefix="/oidc",
        hidden=True,
    )


_OF_ORGANIZATION = "/org/{orgID}/oidc-custom-claims"
_OF_PROJECT = "/org/{orgID}/project/{projectID}/oidc-custom-claims"

OPERATIONS: list[AnyOperation] = [
    *_claims(_OF_ORGANIZATION, _ORGANIZATION, "Org", "org"),
    *_claims(_OF_PROJECT, _PROJECT, "Project", "project"),
    _open("/.well-known/openid-configuration", "oidcDiscovery", "The shared issuer.", discovery),
    _open(f"/.well-known/{KEYS_NAME}", "oidcKeys", "Its keys.", keys),
    _open(
        "/org/{orgID}/.well-known/openid-configuration",
        "oidcDiscoveryOfOrg",
        "An organization's issuer.",
        discovery,
    ),
    _open(f"/org/{{orgID}}/.well-known/{KEYS_NAME}", "oidcKeysOfOrg", "Its keys.", keys),
]
