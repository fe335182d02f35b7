"""What the doors may ask for around identity tokens (OpenID Connect)."""

from collections.abc import Sequence

from roundel.app.engine import Engine
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.oidc import CustomClaims, PublishedIssuer
from roundel.services.oidc_claims import ClaimChange, change_claims, clear_claims, custom_claims
from roundel.services.signing_keys import published, rotate_signing_key


class OidcCases:
    """Implements `api.secret_ports.OidcCases`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def published(self, organization: OrganizationId | None) -> PublishedIssuer:
        """Return an issuer with its public keys."""
        return await published(organization, self._engine)

    async def rotate_signing_key(self) -> str:
        """Sign with a fresh key from now on; return its id."""
        return (await rotate_signing_key(self._engine)).id

    async def claims(self, organization: OrganizationId, project: ProjectId | None) -> CustomClaims:
        """Return what was chosen."""
        return await custom_claims(organization, project, self._engine)

    async def change_claims(
        self,
        organization: OrganizationId,
        project: ProjectId | None,
        audience: Sequence[str] | None,
        ttl: str | None,
    ) -> CustomClaims:
        """Set what is not None."""
        change = ClaimChange(audience=audience, ttl=ttl)
        return await change_claims(organization, project, change, self._engine)

    async def clear_claims(
        self, organization: OrganizationId, project: ProjectId | None, names: Sequence[str]
    ) -> CustomClaims:
        """Take back claims by their names."""
        return await clear_claims(organization, project, names, self._engine)
