"""Settings of projects and organisations, changed a few at a time."""

from collections.abc import Mapping
from dataclasses import replace

from roundel.domain.access import Actor, Need
from roundel.domain.errors import Invalid, NotAllowed
from roundel.domain.ids import OrganizationId
from roundel.domain.projects import Project
from roundel.domain.settings import OrganizationSettings, ProjectSettings
from roundel.services.work import App, Tx

MOST_DAYS = 36_500


async def change_project_settings(
    project: Project, changes: Mapping[str, object], by: Actor, app: App
) -> ProjectSettings:
    """Change what `changes` names, each by the name of its field; return all settings."""
    _check(changes)

    def transaction(tx: Tx) -> ProjectSettings:
        before = tx.settings.of_project(project.id)
        organization = project.organization.id
        if before.write_settings_requires_admin and not by.may(Need.ADMINISTER, organization):
            raise NotAllowed("Only administrators may change the settings of this project.")
        after = replace(before, **changes)  # type: ignore[arg-type]  # checked at the door
        tx.settings.save_project(project.id, after)
        return after

    return await app.database.write(transaction)


async def change_organization_settings(
    organization: OrganizationId, changes: Mapping[str, object], app: App
) -> OrganizationSettings:
    """Change what `changes` names, each by the name of its field; return all settings."""
    _check(changes)

    def transaction(tx: Tx) -> OrganizationSettings:
        before = tx.settings.of_organization(organization)
        after = replace(before, **changes)  # type: ignore[arg-type]  # checked at the door
        tx.settings.save_organization(organization, after)
        return after

    return await app.database.write(transaction)


def _check(changes: Mapping[str, object]) -> None:
    limit = changes.get("max_running_jobs")
    if isinstance(limit, int) and limit < 1:
        raise Invalid("max_running_jobs: expected 1 or more, or null for no limit")
    for name in ("keep_logs_days", "keep_pipelines_days"):
        days = changes.get(name)
        if isinstance(days, int) and not 1 <= days <= MOST_DAYS:
            raise Invalid(f"{name}: expected 1 to {MOST_DAYS}, or null")
