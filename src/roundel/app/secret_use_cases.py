"""What the doors may ask for around contexts, variables and the key that seals them."""

from roundel.app.engine import Engine
from roundel.domain.contexts import (
    Context,
    MaskedVariable,
    Restriction,
    RestrictionId,
    VariableView,
)
from roundel.domain.ids import OrganizationId
from roundel.domain.projects import Project
from roundel.services import contexts, variables


class SecretUseCases:
    """Implements `api.secret_ports.SecretUseCases`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def create_context(self, organization: OrganizationId, name: str) -> Context:
        """Make an empty context."""
        return await contexts.create_context(organization, name, self._engine)

    async def delete_context(self, context: Context) -> None:
        """Remove a context with all that is in it."""
        await contexts.delete_context(context, self._engine)

    async def put_variable(self, context: Context, name: str, value: str) -> VariableView:
        """Add a variable or replace its value."""
        return await contexts.put_variable(context, name, value, self._engine)

    async def remove_variable(self, context: Context, name: str) -> None:
        """Remove a variable."""
        await contexts.remove_variable(context, name, self._engine)

    async def restrict_context(
        self, context: Context, type_: str | None, value: str | None, project_id: str | None
    ) -> Restriction:
        """Add a restriction."""
        return await contexts.restrict_context(context, type_, value, project_id, self._engine)

    async def unrestrict_context(self, context: Context, restriction: RestrictionId) -> None:
        """Remove a restriction."""
        await contexts.unrestrict_context(context, restriction, self._engine)

    async def project_variables(self, project: Project) -> list[MaskedVariable]:
        """Return a project's variables, masked."""
        return await variables.project_variables(project, self._engine)

    async def project_variable(self, project: Project, name: str) -> MaskedVariable:
        """Return one variable, masked."""
        return await variables.project_variable(project, name, self._engine)

    async def put_project_variable(self, project: Project, name: str, value: str) -> MaskedVariable:
        """Add a variable of a project, or replace its value."""
        return await variables.put_project_variable(project, name, value, self._engine)

    async def remove_project_variable(self, project: Project, name: str) -> None:
        """Remove a project's variable."""
        await variables.remove_project_variable(project, name, self._engine)

    async def rotate_master_key(self) -> int:
        """Seal all secrets under a fresh key; return how many they are."""
        return await self._engine.rotate_master_key()
