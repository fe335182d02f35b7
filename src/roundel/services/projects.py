"""Projects: a repository whose pipelines we run, in its organisation."""

from dataclasses import replace

from roundel.domain.access import Actor, Need, Role
from roundel.domain.clock import Micros
from roundel.domain.errors import NotAllowed
from roundel.domain.ids import OrganizationId, ProjectId, new_id
from roundel.domain.projects import Organization, Project, Slug
from roundel.domain.records import dataclass
from roundel.services.work import App, Tx

DEFAULT_BRANCH = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddProject:
    """Register a repository under a slug."""

    slug: Slug
    repository_url: str
    by: Actor
    default_branch: str | None = None


async def add_project(command: AddProject, app: App) -> Project:
    """Register the project, and its organisation with the caller as administrator.

    Adding it again gives it the new address and branch.  In an organisation that is there
    already, its administrators alone may.
    """
    app.repositories.check(command.repository_url)
    at = app.clock.now()

    def transaction(tx: Tx) -> Project:
        organization = _organization(tx, command, at)
        project = tx.projects.get(command.slug)
        if project is not None:
            after = replace(
                project,
                repository_url=command.repository_url,
                default_branch=command.default_branch or project.default_branch,
            )
            tx.projects.save(after)
            return after
        project = Project(
            id=ProjectId(new_id()),
            organization=organization,
            slug=command.slug,
            name=command.slug.project,
            repository_url=command.repository_url,
            default_branch=command.default_branch or DEFAULT_BRANCH,
            created_at=at,
        )
        tx.projects.add(project)
        from roundel.domain.definitions import default_definition

        tx.definitions.add(default_definition(project.id, at))
        return project

    return await app.database.write(transaction)


def _organization(tx: Tx, command: AddProject, at: Micros) -> Organization:
    slug, by = command.slug, command.by
    found = tx.projects.organization(slug.vcs, slug.organization)
    if found is not None:
        if not by.may(Need.ADMINISTER, found.id):
            raise NotAllowed(f"Only administrators of {found.slug} may add projects to it.")
        return found
    if by.scopes is not None and Need.ADMINISTER not in by.scopes:
        raise NotAllowed("This token may not make organizations.")
    organization = Organization(
        id=OrganizationId(new_id()), vcs=slug.vcs, name=slug.organization, created_at=at
    )
    tx.projects.add_organization(organization)
    tx.people.give_role(organization.id, by.id, Role.ADMINISTRATOR)
    return organization
