"""What the doors need around secrets: contexts, variables, and tokens that say who a job is."""

from collections.abc import Sequence
from typing import Protocol

from roundel.domain.contexts import (
    Context,
    MaskedVariable,
    Restriction,
    RestrictionId,
    VariableView,
)
from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.oidc import CustomClaims, PublishedIssuer
from roundel.domain.projects import Project


class SecretUseCases(Protocol):
    """What callers may ask for around contexts, variables and the key that seals them."""

    async def create_context(self, organization: OrganizationId, name: str) -> Context: ...

    async def delete_context(self, context: Context) -> None: ...

    async def put_variable(self, context: Context, name: str, value: str) -> VariableView: ...

    async def remove_variable(self, context: Context, name: str) -> None: ...

    async def restrict_context(
        self, context: Context, type_: str | None, value: str | None, project_id: str | None
    ) -> Restriction: ...

    async def unrestrict_context(self, context: Context, restriction: RestrictionId) -> None: ...

    async def project_variables(self, project: Project) -> list[MaskedVariable]: ...

    async def project_variable(self, project: Project, name: str) -> MaskedVariable: ...

    async def put_project_variable(
        self, project: Project, name: str, value: str
    ) -> MaskedVariable: ...

    async def remove_project_variable(self, project: Project, name: str) -> None: ...

    async def rotate_master_key(self) -> int: ...


class OidcCases(Protocol):
    """What callers may ask for around identity tokens (OpenID Connect)."""

    async def published(self, organization: OrganizationId | None) -> PublishedIssuer: ...

    async def rotate_signing_key(self) -> str: ...

    async def claims(
        self, organization: OrganizationId, project: ProjectId | None
    ) -> CustomClaims: ...

    async def change_claims(
        self,
        organization: OrganizationId,
        project: ProjectId | None,
        audience: Sequence[str] | None,
        ttl: str | None,
    ) -> CustomClaims: ...

    async def clear_claims(
        self, organization: OrganizationId, project: ProjectId | None, names: Sequence[str]
    ) -> CustomClaims: ...
