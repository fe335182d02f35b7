"""What the doors may ask for around organisations, their members and groups."""

from roundel.app.engine import Engine
from roundel.domain.access import Actor, Person, Role
from roundel.domain.groups import Group, Member
from roundel.domain.ids import OrganizationId
from roundel.domain.projects import Organization, Project, Vcs
from roundel.services import members, organizations, removing
from roundel.services.changing_projects import ChangeProject, change_project


class OrganizationCases:
    """Implements `api.organization_ports.OrganizationCases`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def create(self, vcs: Vcs, name: str, by: Actor) -> Organization:
        """Make an organisation whose administrator is the caller."""
        return await organizations.create_organization(vcs, name, by, self._engine)

    async def create_project(self, organization: Organization, name: str) -> Project:
        """Make a project that has no repository yet."""
        return await organizations.create_project(organization, name, self._engine)

    async def change_project(self, command: ChangeProject) -> Project:
        """Give a project another name, repository or default branch."""
        return await change_project(command, self._engine)

    async def remove_project(self, project: Project) -> None:
        """Remove a project with all that belongs to it."""
        await removing.remove_project(project, self._engine)

    async def remove(self, organization: Organization) -> None:
        """Remove an organisation with all that belongs to it."""
        await removing.remove_organization(organization, self._engine)

    async def create_group(
        self, organization: OrganizationId, name: str, description: str
    ) -> Group:
        """Make an empty group."""
        return await members.create_group(organization, name, description, self._engine)

    async def delete_group(self, group: Group) -> None:
        """Remove a group."""
        await members.delete_group(group, self._engine)

    async def put_in_group(self, group: Group, login: str) -> Person:
        """Put a member into a group."""
        return await members.put_in_group(group, login, self._engine)

    async def take_from_group(self, group: Group, login: str) -> None:
        """Take somebody out of a group."""
        await members.take_from_group(group, login, self._engine)

    async def give_role(self, organization: OrganizationId, login: str, role: Role) -> Member:
        """Make a person a member, or change a member's role."""
        return await members.give_role(organization, login, role, self._engine)

    async def remove_member(self, organization: OrganizationId, login: str) -> None:
        """Take a person out of an organisation and its groups."""
        await members.remove_member(organization, login, self._engine)
