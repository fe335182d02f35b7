"""What the settings pages of projects ask for.  The API's use cases do it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from roundel.domain.access import Actor
from roundel.domain.checkout_keys import CheckoutKey, KeyType
from roundel.domain.contexts import MaskedVariable
from roundel.domain.definitions import Definition, PipelineTrigger, PipelineTriggerId
from roundel.domain.ids import ScheduleId
from roundel.domain.plan import Json
from roundel.domain.projects import Project
from roundel.domain.schedules import Attribution, Schedule, Timetable
from roundel.domain.settings import ProjectSettings
from roundel.domain.ssh_keys import SshKey
from roundel.domain.webhooks import (
    Delivery,
    DeliveryId,
    Webhook,
    WebhookChange,
    WebhookId,
    WebhookView,
)
from roundel.services.changing_projects import ChangeProject
from roundel.services.definitions import (
    ChangeDefinition,
    ChangeTrigger,
    CreateDefinition,
    CreatedTrigger,
    CreateTrigger,
)
from roundel.web.organization_ports import ContextCases, MemberCases, OrganizationUseCases


class OwnerCases(MemberCases, Protocol):
    """Organizations with their projects."""

    async def change_project(self, command: ChangeProject) -> Project: ...

    async def remove_project(self, project: Project) -> None: ...


class SecretCases(ContextCases, Protocol):
    """Contexts, and the variables of projects, whose values come back masked alone."""

    async def project_variables(self, project: Project) -> Sequence[MaskedVariable]: ...

    async def put_project_variable(
        self, project: Project, name: str, value: str
    ) -> MaskedVariable: ...

    async def remove_project_variable(self, project: Project, name: str) -> None: ...


class CacheCases(Protocol):
    """What jobs have kept for each other."""

    async def clear_caches(self, project: Project) -> int: ...


class KeyCases(Protocol):
    """Keys with which jobs clone, and those for other hosts."""

    async def add_checkout_key(self, project: Project, type_: KeyType) -> CheckoutKey: ...

    async def prefer_checkout_key(self, project: Project, fingerprint: str) -> None: ...

    async def remove_checkout_key(self, project: Project, fingerprint: str) -> None: ...

    async def add_ssh_key(
        self, project: Project, hostname: str | None, unverified_key: str
    ) -> SshKey: ...

    async def remove_ssh_key(
        self, project: Project, hostname: str | None, fingerprint: str
    ) -> None: ...


class WebhookCases(Protocol):
    """Outbound webhooks and what was told to them."""

    async def add_webhook(self, project: Project, wanted: WebhookChange) -> Webhook: ...

    async def change_webhook(self, view: WebhookView, wanted: WebhookChange) -> Webhook: ...

    async def remove_webhook(self, webhook_id: WebhookId) -> None: ...

    async def ping_webhook(self, hook: Webhook) -> Delivery: ...

    async def tell_again(self, delivery_id: DeliveryId) -> Delivery: ...


class DefinitionCases(Protocol):
    """Pipeline definitions and what starts them."""

    async def create(self, command: CreateDefinition) -> Definition: ...

    async def change(self, command: ChangeDefinition, project: Project) -> Definition: ...

    async def remove(self, definition: Definition) -> None: ...

    async def create_trigger(self, command: CreateTrigger) -> CreatedTrigger: ...

    async def change_trigger(self, command: ChangeTrigger) -> PipelineTrigger: ...

    async def remove_trigger(self, trigger: PipelineTriggerId) -> None: ...


class ScheduleCases(Protocol):
    """Pipelines by the clock."""

    async def create_schedule(
        self,
        project: Project,
        *,
        name: str,
        description: str | None,
        timetable: Timetable,
        attribution: Attribution,
        parameters: Mapping[str, Json],
        by: Actor,
    ) -> Schedule: ...

    async def change_schedule(
        self,
        schedule_id: ScheduleId,
        changes: Mapping[str, object],
        timetable: Callable[[Timetable], Timetable] | None,
        by: Actor,
    ) -> Schedule: ...

    async def remove_schedule(self, schedule_id: ScheduleId) -> None: ...


class ProjectUseCases(OrganizationUseCases, CacheCases, KeyCases, ScheduleCases, Protocol):
    """All of it, for one project."""

    @property
    def definitions(self) -> DefinitionCases: ...
    @property
    def organizations(self) -> OwnerCases: ...
    @property
    def secrets(self) -> SecretCases: ...
    @property
    def webhooks(self) -> WebhookCases: ...

    async def change_project_settings(
        self, project: Project, changes: Mapping[str, object], by: Actor
    ) -> ProjectSettings: ...
