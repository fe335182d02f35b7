"""What the doors need from the server beside its readers: use cases and a few settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Protocol

from roundel.api.definition_ports import DefinitionCases
from roundel.api.organization_ports import OrganizationCases
from roundel.api.runner.ports import RunnerUseCases
from roundel.api.secret_ports import OidcCases, SecretUseCases
from roundel.domain.access import Actor, Need
from roundel.domain.audit import Deed
from roundel.domain.checkout_keys import CheckoutKey, KeyType
from roundel.domain.clock import Micros
from roundel.domain.definitions import DefinitionId
from roundel.domain.git_hosts import ConnectionId, Unverified, Watch
from roundel.domain.ids import (
    JobId,
    OrganizationId,
    PipelineId,
    ScheduleId,
    TokenId,
    WorkflowId,
)
from roundel.domain.limits import DEFAULT_LIMITS, LimitClass
from roundel.domain.orbs import UrlOrbId, UrlOrbPrefix
from roundel.domain.pipelines import Pipeline, Ref
from roundel.domain.plan import Json
from roundel.domain.policies import BundleChange, Decision
from roundel.domain.projects import Project, Slug
from roundel.domain.records import dataclass
from roundel.domain.repeats import FirstAnswer
from roundel.domain.reruns import Choice
from roundel.domain.schedules import Attribution, Schedule, Timetable
from roundel.domain.settings import OrganizationSettings, ProjectSettings
from roundel.domain.ssh_keys import SshKey
from roundel.domain.telemetry import Exporter, ExporterId
from roundel.domain.usage import UsageExport
from roundel.domain.webhooks import (
    Delivery,
    DeliveryId,
    Webhook,
    WebhookChange,
    WebhookId,
    WebhookView,
)
from roundel.services.connections import Connect, Connected
from roundel.services.exporters import AddExporter
from roundel.services.ingest import Receipt
from roundel.services.repeats import Standing
from roundel.services.rollbacks import Rollback, RolledBack


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token just made; `text` is shown this once."""

    id: TokenId
    text: str
    login: str
    expires_at: Micros | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedConfig:
    """What the compiler makes of a text; `output` is empty where it has errors.

    `errors` has one entry per line of each problem's message.
    """

    output: str
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigText:
    """A config to compile on request, with what the caller says of its surroundings.

    `owner` is an organisation that the caller may read: its rules for URL orbs apply.
    """

    source: str
    parameters: Mapping[str, Json]
    values: Mapping[str, Json]
    owner: OrganizationId | None = None


class WebhookCases(Protocol):
    """What callers may ask for of webhooks."""

    async def add_webhook(self, project: Project, wanted: WebhookChange) -> Webhook: ...

    async def change_webhook(self, view: WebhookView, wanted: WebhookChange) -> Webhook: ...

    async def remove_webhook(self, webhook_id: WebhookId) -> None: ...

    async def ping_webhook(self, hook: Webhook) -> Delivery: ...

    async def tell_again(self, delivery_id: DeliveryId) -> Delivery: ...


class ExporterCases(Protocol):
    """What callers may ask for of exporters of spans."""

    async def add(self, command: AddExporter) -> Exporter: ...

    async def remove(self, exporter_id: ExporterId) -> None: ...


class RollbackCases(Protocol):
    """What callers may ask for around rollbacks."""

    async def start(self, command: Rollback) -> RolledBack: ...

    async def choose(
        self, project: Project, definition: DefinitionId | None, by: Actor
    ) -> DefinitionId | None: ...


class AuditCases(Protocol):
    """The log of what was changed."""

    async def record(self, deed: Deed) -> None: ...


class GitCases(Protocol):
    """What callers may ask for of git hosts; and hosts, by messages that they sign."""

    async def receive(
        self, connection: ConnectionId, headers: Mapping[str, str], raw_body: bytes
    ) -> Receipt | Unverified: ...

    async def connect(self, command: Connect) -> Connected: ...

    async def disconnect(self, connection: ConnectionId) -> None: ...

    async def poll(self, project: Project) -> Watch: ...

    async def stop_polling(self, project: Project) -> None: ...

    async def approve_contribution(self, pipeline: PipelineId, by: Actor) -> None: ...


class PolicyCases(Protocol):
    """What callers may ask for of config policies."""

    async def replace_bundle(
        self, organization: OrganizationId, files: Mapping[str, str], by: Actor, *, dry: bool
    ) -> BundleChange: ...

    async def switch(self, organization: OrganizationId, enabled: bool) -> bool: ...

    async def decide(
        self, organization: OrganizationId, text: str, meta: Mapping[str, Json]
    ) -> Decision: ...


class RepeatCases(Protocol):
    """Requests under idempotency keys; `key` and `request` are digests."""

    async def begin(self, key: str, request: str) -> FirstAnswer | Standing: ...

    async def finish(self, key: str, request: str, answer: FirstAnswer) -> None: ...

    async def forget(self, key: str) -> None: ...


class UseCases(RunnerUseCases, Protocol):
    """What callers may ask for, one transaction each.  Rights were checked by the operation.

    The operation has checked the right on the organisation that it names; those of `add_project`,
    `create_token` and `revoke_token`, which name none, are the use case's own affair.
    """

    @property
    def audit(self) -> AuditCases: ...
    @property
    def definitions(self) -> DefinitionCases: ...
    @property
    def exporters(self) -> ExporterCases: ...
    @property
    def organizations(self) -> OrganizationCases: ...
    @property
    def git(self) -> GitCases: ...
    @property
    def policies(self) -> PolicyCases: ...
    @property
    def repeats(self) -> RepeatCases: ...
    @property
    def rollbacks(self) -> RollbackCases: ...
    @property
    def secrets(self) -> SecretUseCases: ...
    @property
    def webhooks(self) -> WebhookCases: ...

    @property
    def oidc(self) -> OidcCases: ...

    async def add_checkout_key(self, project: Project, type_: KeyType) -> CheckoutKey: ...

    async def remove_checkout_key(self, project: Project, fingerprint: str) -> None: ...

    async def add_ssh_key(
        self, project: Project, hostname: str | None, unverified_key: str
    ) -> SshKey: ...

    async def remove_ssh_key(
        self, project: Project, hostname: str | None, fingerprint: str
    ) -> None: ...

    async def trigger_pipeline(
        self, project: Project, ref: Ref, parameters: Mapping[str, Json], by: Actor
    ) -> Pipeline | None:
        """Return the new pipeline, or None if its commit asks for none."""

    async def cancel_workflow(self, workflow_id: WorkflowId, by: Actor) -> None: ...

    async def continue_pipeline(
        self, unverified_key: str, configuration: str, parameters: Mapping[str, Json]
    ) -> Pipeline:
        """Return the pipeline that the key is of."""

    async def rerun_workflow(
        self, workflow_id: WorkflowId, choice: Choice, enable_ssh: bool, by: Actor
    ) -> WorkflowId: ...

    async def approve_job(self, workflow_id: WorkflowId, approval_id: JobId, by: Actor) -> None: ...

    async def cancel_job(self, job_id: JobId, by: Actor) -> None: ...

    async def add_project(
        self, slug: Slug, repository_url: str, default_branch: str | None, by: Actor
    ) -> Project: ...

    async def change_project_settings(
        self, project: Project, changes: Mapping[str, object], by: Actor
    ) -> ProjectSettings: ...

    async def change_organization_settings(
        self, organization: OrganizationId, changes: Mapping[str, object]
    ) -> OrganizationSettings: ...

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

    async def create_token(
        self,
        login: str | None,
        expires_seconds: int | None,
        by: Actor,
        scopes: frozenset[Need] | None = None,
    ) -> NewToken: ...

    async def revoke_tokens_before(self, created: Micros) -> int: ...

    async def revoke_token(self, token_id: TokenId, by: Actor) -> None: ...

    async def clear_caches(self, project: Project) -> int: ...

    async def ask_for_export(
        self,
        organization: OrganizationId,
        shared: Sequence[OrganizationId],
        start: Micros,
        end: Micros,
    ) -> UsageExport: ...

    async def compile_config(self, text: ConfigText) -> CheckedConfig: ...

    async def allow_url_orbs(
        self, organization: OrganizationId, name: str, prefix: str, by: Actor
    ) -> UrlOrbPrefix: ...

    async def forbid_url_orbs(
        self, organization: OrganizationId, entry: UrlOrbId, by: Actor
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """`public_url` is None where links take the address that the caller used.

    `signing_key` signs the addresses of step output; replicas share it.
    """

    signing_key: bytes
    public_url: str | None = None
    max_body_bytes: int = 4 * 1024 * 1024  # a config of 4 MiB is the largest that is compiled
    # Requests a minute for each token.
    limits: Mapping[LimitClass, int] = field(default_factory=lambda: DEFAULT_LIMITS)
