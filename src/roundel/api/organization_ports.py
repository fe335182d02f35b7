"""What the doors ask for around organisations, their members and groups."""

from typing import Protocol

from roundel.domain.access import Actor, Person, Role
from roundel.domain.groups import Group, Member
from roundel.domain.ids import OrganizationId
from roundel.domain.projects import Organization, Project, Vcs
from roundel.services.changing_projects import ChangeProject


class OrganizationCases(Protocol):
    """One transaction each.  Rights were checked by the operation."""

    async def create(self, vcs: Vcs, name: str, by: Actor) -> Organization: ...

    async def create_project(self, organization: Organization, name: str) -> Project: ...

    async def change_project(self, command: ChangeProject) -> Project: ...

    async def remove_project(self, project: Project) -> None: ...

    async def remove(self, organization: Organization) -> None: ...

    async def create_group(
        self, organization: OrganizationId, name: str, description: str
    ) -> Group: ...

    async def delete_group(self, group: Group) -> None: ...

    async def put_in_group(self, group: Group, login: str) -> Person: ...

    async def take_from_group(self, group: Group, login: str) -> None: ...

    async def give_role(self, organization: OrganizationId, login: str, role: Role) -> Member: ...

    async def remove_member(self, organization: OrganizationId, login: str) -> None: ...
