"""Removing projects and organisations."""

from collections.abc import Sequence
from typing import Protocol

from roundel.domain.ids import OrganizationId, ProjectId


class Removals(Protocol):
    """What removes rows with all that hangs on them.  Objects are doomed, and swept later."""

    def pipelines(self, project_id: ProjectId, limit: int) -> int:
        """Remove some pipelines of a project with all that came of them; return how many."""

    def project(self, project_id: ProjectId) -> None:
        """Remove a project that has no pipelines left."""

    def organization(self, organization_id: OrganizationId) -> None:
        """Remove an organisation that has no projects left."""

    def doomed(self, limit: int) -> Sequence[str]:
        """Return the names of objects that nothing names any more."""

    def forget(self, names: Sequence[str]) -> None:
        """Forget doomed objects that are gone."""
