"""What projects and organisations have chosen."""

from roundel.domain.ids import OrganizationId, ProjectId
from roundel.domain.settings import OrganizationSettings, ProjectSettings
from roundel.store.dialect import Sql
from roundel.store.owner_rows import organization_settings_of, project_settings_of
from roundel.store.rows import json_text


class SqlSettings:
    """Implements `domain.settings.AllSettings`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def of_project(self, project_id: ProjectId) -> ProjectSettings:
        """Return a project's settings; the defaults where it has none."""
        rows = self._sql.kept("SELECT settings FROM project WHERE id = :id", id=project_id)
        return project_settings_of(rows[0][0] if rows else "{}")

    def save_project(self, project_id: ProjectId, settings: ProjectSettings) -> None:
        """Save a project's settings."""
        text = json_text(settings)
        self._sql.run(
            "UPDATE project SET settings = :settings WHERE id = :id", id=project_id, settings=text
        )

    def of_organization(self, organization_id: OrganizationId) -> OrganizationSettings:
        """Return an organisation's settings; the defaults where it has none."""
        statement = "SELECT settings FROM organization WHERE id = :id"
        rows = self._sql.kept(statement, id=organization_id)
        return organization_settings_of(rows[0][0] if rows else "{}")

    def save_organization(
        self, organization_id: OrganizationId, settings: OrganizationSettings
    ) -> None:
        """Save an organisation's settings."""
        self._sql.run(
            "UPDATE organization SET settings = :settings WHERE id = :id",
            id=organization_id,
            settings=json_text(settings),
        )
