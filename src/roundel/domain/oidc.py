"""Identity tokens of jobs (OpenID Connect): who a job is, who may be its audience, which key signs.

A token is a JSON Web Token, signed with RS256.  Whoever gets one checks it with the public keys
that stand below its issuer, one issuer an organisation.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

from roundel.domain.clock import DAY, HOUR, MINUTE, SECOND, Micros
from roundel.domain.contexts import Sealed
from roundel.domain.errors import Invalid
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.records import dataclass

ALGORITHM = "RS256"
USUAL_TTL = Micros(HOUR)
SHORTEST_TTL = MINUTE
LONGEST_TTL = 7 * DAY
MOST_AUDIENCES = 100
LONGEST_AUDIENCE = 1000  # characters
KEY_LIFETIME = 90 * DAY  # for so long a key signs
# The next key is published so long before it signs that everybody has fetched it by then.
KEY_NOTICE = DAY
PREFIX = "oidc.circleci.com"  # of our claims: the names that policies in the wild look for

_UNITS = {"w": 7 * DAY, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": SECOND // 1000}
_TTL = re.compile(r"(?:[0-9]{1,12}(?:ms|s|m|h|d|w)){1,7}")
_TTL_PART = re.compile(r"([0-9]+)(ms|s|m|h|d|w)")

Claim: TypeAlias = str | int | bool | list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomClaims:
    """What an organisation or a project has chosen; None where it has not."""

    audience: tuple[str, ...] | None = None
    audience_updated_at: Micros | None = None
    ttl: str | None = None
    ttl_updated_at: Micros | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key pair.  `public_key` is a JSON Web Key; it signs from `signs_from` to the next's."""

    id: str
    public_key: str
    private_key: Sealed
    signs_from: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a job's tokens say, all but their audience, their time and their form."""

    organization_id: OrganizationId
    project_id: ProjectId
    user: str
    origin: str  # of the repository: `github.com/acme/web`
    ref: str  # `refs/heads/main`
    claims: Mapping[str, Claim]
    issued_at: Micros

    @property
    def subject(self) -> str:
        """Return the subject of the first form."""
        return f"org/{self.organization_id}/project/{self.project_id}/user/{self.user}"

    @property
    def subject_v2(self) -> str:
        """Return the subject of the second form, which tells the source as well."""
        return f"{self.subject}/vcs-origin/{self.origin}/vcs-ref/{self.ref}"


def ttl_of(text: str) -> Micros:
    """Return a duration such as `1h30m`; refuse another, and one out of bounds."""
    if _TTL.fullmatch(text) is None:
        raise Invalid(f"ttl: expected a duration such as 30m or 1h30m, got {text[:40]!r}")
    total = sum(int(count) * _UNITS[unit] for count, unit in _TTL_PART.findall(text))
    if not SHORTEST_TTL <= total <= LONGEST_TTL:
        raise Invalid(f"ttl: expected 1m to {LONGEST_TTL // DAY}d, got {text[:40]!r}")
    return Micros(total)


def checked_audience(audience: Sequence[str]) -> tuple[str, ...]:
    """Return the audiences of a token, or refuse them."""
    if not 0 < len(audience) <= MOST_AUDIENCES:
        raise Invalid(f"audience: expected 1 to {MOST_AUDIENCES} of them, got {len(audience)}")
    for one in audience:
        if not 0 < len(one) <= LONGEST_AUDIENCE:
            raise Invalid(f"audience: each has 1 to {LONGEST_AUDIENCE} characters")
    return tuple(audience)


def token_claims(
    identity: Identity,
    *,
    issuer: str,
    subject: str,
    number: str,
    audience: Sequence[str],
    ttl: Micros,
) -> dict[str, Claim]:
    """Return all claims of a token; `number` tells it from others of the same job."""
    issued = identity.issued_at // SECOND
    return {
        "iss": issuer,
        "sub": subject,
        "aud": audience[0] if len(audience) == 1 else list(audience),
        "iat": issued,
        "nbf": issued,
        "exp": issued + ttl // SECOND,
        "jti": number,
        f"{PREFIX}/project-id": identity.project_id,
        f"{PREFIX}/vcs-origin": identity.origin,
        f"{PREFIX}/vcs-ref": identity.ref,
        **{f"{PREFIX}/{name}": value for name, value in identity.claims.items()},
    }


def signing_at(keys: Sequence[SigningKey], at: Micros) -> SigningKey | None:
    """Return the key that signs at a time; None where there is none, or it is past its life."""
    found = None
    for key in sorted(keys, key=lambda key: key.signs_from):
        if key.signs_from <= at < key.signs_from + KEY_LIFETIME:
            found = key
    return found


def next_key_from(keys: Sequence[SigningKey], at: Micros) -> Micros | None:
    """Return from when on a key that is to be made now signs; None if none is due."""
    current = signing_at(keys, at)
    if current is None:
        return Micros(at - HOUR)  # jobs that were claimed a little earlier take it as well
    ends = current.signs_from + KEY_LIFETIME
    if ends - at > KEY_NOTICE or any(key.signs_from > current.signs_from for key in keys):
        return None
    return Micros(max(ends, at))


def outlived(keys: Sequence[SigningKey], at: Micros) -> list[str]:
    """Return the keys by which no token is good any more."""
    ordered = sorted(keys, key=lambda key: key.signs_from)
    ends = [key.signs_from for key in ordered[1:]]
    margin = LONGEST_TTL + DAY  # a job may ask for a token for some hours after its start
    return [key.id for key, end in zip(ordered, ends, strict=False) if end + margin < at]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedIssuer:
    """What everybody may know of an issuer."""

    issuer: str
    keys: tuple[str, ...]  # as JSON Web Keys


class SigningKeys(Protocol):
    """Where signing keys are kept."""

    def all(self) -> Sequence[SigningKey]: ...

    def add(self, key: SigningKey) -> None: ...

    def remove(self, ids: Sequence[str]) -> None: ...

    def reseal(self, key: SigningKey) -> None:
        """Save the private key as it is sealed now."""


class AllCustomClaims(Protocol):
    """Where custom claims are kept; of an organisation where no project is named."""

    def get(self, organization: OrganizationId, project: ProjectId | None) -> CustomClaims: ...

    def chosen(self, organization: OrganizationId, project: ProjectId) -> CustomClaims:
        """Return what counts: each claim as the project has it, else as the organisation has it."""

    def put(
        self, organization: OrganizationId, project: ProjectId | None, claims: CustomClaims
    ) -> None: ...
