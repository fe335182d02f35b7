"""Organisations, and projects that have no repository yet."""

import re

from roundel.domain.access import Actor, Role
from roundel.domain.definitions import default_definition
from roundel.domain.errors import IllegalMove, Invalid
from roundel.domain.ids import OrganizationId, ProjectId, new_id
from roundel.domain.projects import Organization, Project, Slug, Vcs
from roundel.services.projects import DEFAULT_BRANCH
from roundel.services.work import App, Tx

# What slugs are made of; a slash would be the next segment.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


async def create_organization(vcs: Vcs, name: str, by: Actor, app: App) -> Organization:
    """Make an organisation whose administrator is the caller; refuse a name that is taken."""
    organization = Organization(
        id=OrganizationId(new_id()), vcs=vcs, name=checked_name(name), created_at=app.clock.now()
    )

    def transaction(tx: Tx) -> None:
        if tx.projects.organization(vcs, organization.name) is not None:
            raise IllegalMove(f"The organization {organization.slug} exists already.")
        tx.projects.add_organization(organization)
        tx.people.give_role(organization.id, by.id, Role.ADMINISTRATOR)

    await app.database.write(transaction)
    return organization


async def create_project(organization: Organization, name: str, app: App) -> Project:
    """Make a project that has no repository yet; `add_project` gives it one."""
    slug = Slug(vcs=organization.vcs, organization=organization.name, project=checked_name(name))
    project = Project(
        id=ProjectId(new_id()),
        organization=organization,
        slug=slug,
        name=slug.project,
        repository_url="",
        default_branch=DEFAULT_BRANCH,
        created_at=app.clock.now(),
    )

    def transaction(tx: Tx) -> None:
        if tx.projects.get(slug) is not None:
            raise IllegalMove(f"The project {slug} exists already.")
        tx.projects.add(project)
        tx.definitions.add(default_definition(project.id, project.created_at))

    await app.database.write(transaction)
    return project


def checked_name(name: str) -> str:
    """Return a name that slugs may be made of; refuse any other."""
    if _NAME.fullmatch(name) is None:
        raise Invalid(
            "name: expected 1 to 100 letters, digits, dots, dashes and underscores, the first one"
            f" a letter or digit, got {name[:100]!r}"
        )
    return name
