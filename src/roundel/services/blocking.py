"""The switch that stops all new work of a project or an organisation."""

from roundel.domain.errors import NotAllowed
from roundel.domain.ids import ProjectId
from roundel.services.work import Tx


def refuse_if_blocked(tx: Tx, project_id: ProjectId) -> None:
    """Refuse new work where somebody has blocked it; what runs is not touched."""
    why = why_blocked(tx, project_id)
    if why is not None:
        raise NotAllowed(why)


def why_blocked(tx: Tx, project_id: ProjectId) -> str | None:
    """Return where new work of a project is blocked, None where it is not."""
    project = tx.projects.get_by_id(project_id)
    if tx.settings.of_project(project_id).block_new_work:
        return "New work is blocked in this project's settings."
    if project is not None and tx.settings.of_organization(project.organization.id).block_new_work:
        return "New work is blocked in this organization's settings."
    return None
