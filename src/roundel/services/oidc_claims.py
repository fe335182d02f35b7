"""Claims of identity tokens that organisations and projects choose: the audience, the time."""

from collections.abc import Sequence
from dataclasses import replace

from roundel.domain.errors import Invalid
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.oidc import CustomClaims, checked_audience, ttl_of
from roundel.domain.records import dataclass
from roundel.services.work import App, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimChange:
    """What to set; None leaves a claim as it is."""

    audience: Sequence[str] | None = None
    ttl: str | None = None


async def custom_claims(
    organization: OrganizationId, project: ProjectId | None, app: App
) -> CustomClaims:
    """Return what an organisation, or one of its projects, has chosen."""
    return await app.database.write(lambda tx: tx.custom_claims.get(organization, project))


async def change_claims(
    organization: OrganizationId, project: ProjectId | None, change: ClaimChange, app: App
) -> CustomClaims:
    """Set claims; refuse audiences and durations that are none."""
    at = app.clock.now()
    audience = None if change.audience is None else checked_audience(change.audience)
    if change.ttl is not None:
        ttl_of(change.ttl)

    def transaction(tx: Tx) -> CustomClaims:
        claims = tx.custom_claims.get(organization, project)
        if audience is not None:
            claims = replace(claims, audience=audience, audience_updated_at=at)
        if change.ttl is not None:
            claims = replace(claims, ttl=change.ttl, ttl_updated_at=at)
        tx.custom_claims.put(organization, project, claims)
        return claims

    return await app.database.write(transaction)


async def clear_claims(
    organization: OrganizationId, project: ProjectId | None, names: Sequence[str], app: App
) -> CustomClaims:
    """Take back claims; refuse names that are none."""
    unknown = [name for name in names if name not in ("audience", "ttl")]
    if unknown or not names:
        raise Invalid('claims: expected "audience", "ttl", or both with a comma between them')

    def transaction(tx: Tx) -> CustomClaims:
        claims = tx.custom_claims.get(organization, project)
        if "audience" in names:
            claims = replace(claims, audience=None, audience_updated_at=None)
        if "ttl" in names:
            claims = replace(claims, ttl=None, ttl_updated_at=None)
        tx.custom_claims.put(organization, project, claims)
        return claims

    return await app.database.write(transaction)
