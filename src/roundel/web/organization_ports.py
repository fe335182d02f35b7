"""What the settings pages of organizations and people ask for.  The API's use cases do it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from roundel.domain.access import Actor, Need, Person, Role
from roundel.domain.clock import Micros
from roundel.domain.contexts import Context, Restriction, RestrictionId, VariableView
from roundel.domain.groups import Group, Member
from roundel.domain.ids import OrganizationId, TokenId
from roundel.domain.orbs import UrlOrbId, UrlOrbPrefix
from roundel.domain.projects import Organization
from roundel.domain.resource_classes import (
    ResourceClass,
    ResourceClassId,
    RunnerToken,
    SeenRunner,
)
from roundel.domain.runners import Secret
from roundel.domain.settings import OrganizationSettings
from roundel.domain.usage import UsageExport


class MemberCases(Protocol):
    """Organizations, their members and groups."""

    async def remove(self, organization: Organization) -> None: ...

    async def create_group(
        self, organization: OrganizationId, name: str, description: str
    ) -> Group: ...

    async def delete_group(self, group: Group) -> None: ...

    async def put_in_group(self, group: Group, login: str) -> Person: ...

    async def take_from_group(self, group: Group, login: str) -> None: ...

    async def give_role(self, organization: OrganizationId, login: str, role: Role) -> Member: ...

    async def remove_member(self, organization: OrganizationId, login: str) -> None: ...


class ContextCases(Protocol):
    """Contexts and what is in them."""

    async def create_context(self, organization: OrganizationId, name: str) -> Context: ...

    async def delete_context(self, context: Context) -> None: ...

    async def put_variable(self, context: Context, name: str, value: str) -> VariableView: ...

    async def remove_variable(self, context: Context, name: str) -> None: ...

    async def restrict_context(
        self, context: Context, type_: str | None, value: str | None, project_id: str | None
    ) -> Restriction: ...

    async def unrestrict_context(self, context: Context, restriction: RestrictionId) -> None: ...


class PolicyCases(Protocol):
    """Whether configs are judged."""

    async def switch(self, organization: OrganizationId, enabled: bool) -> bool: ...


class RunnerCases(Protocol):
    """Runners elsewhere.  Whose class it is, is the use case's own affair."""

    async def add_resource_class(self, name: str, description: str, by: Actor) -> ResourceClass: ...

    async def remove_resource_class(
        self, class_id: ResourceClassId, by: Actor, *, force: bool
    ) -> ResourceClass: ...

    async def add_runner_token(
        self, name: str, nickname: str, by: Actor
    ) -> tuple[RunnerToken, str]: ...

    async def remove_runner_token(self, token_id: TokenId, by: Actor) -> RunnerToken: ...

    async def runner_tasks(self, name: str, by: Actor) -> tuple[int, int]: ...

    async def classes_of(
        self, organization: OrganizationId, by: Actor
    ) -> Sequence[ResourceClass]: ...

    async def tokens_of(self, organization: OrganizationId, by: Actor) -> Sequence[RunnerToken]: ...

    async def runners_of(self, organization: OrganizationId, by: Actor) -> Sequence[SeenRunner]: ...


class OrganizationUseCases(RunnerCases, Protocol):
    """All of it, for one organization or one's own account."""

    @property
    def organizations(self) -> MemberCases: ...
    @property
    def policies(self) -> PolicyCases: ...
    @property
    def secrets(self) -> ContextCases: ...

    async def change_organization_settings(
        self, organization: OrganizationId, changes: Mapping[str, object]
    ) -> OrganizationSettings: ...

    async def withdraw_invitation(self, organization: OrganizationId, digest: bytes) -> None: ...

    async def allow_url_orbs(
        self, organization: OrganizationId, name: str, prefix: str, by: Actor
    ) -> UrlOrbPrefix: ...

    async def forbid_url_orbs(
        self, organization: OrganizationId, entry: UrlOrbId, by: Actor
    ) -> None: ...

    async def ask_for_export(
        self,
        organization: OrganizationId,
        shared: Sequence[OrganizationId],
        start: Micros,
        end: Micros,
    ) -> UsageExport: ...

    async def make_own_token(
        self, label: str, seconds: int | None, scopes: frozenset[Need] | None, by: Actor
    ) -> Secret:
        """Make a token for whoever asks; its text is shown this once."""

    async def revoke_token(self, token_id: TokenId, by: Actor) -> None: ...
