"""What the pages need from the server: readers, use cases and a few settings."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from roundel.domain.access import Actor, Role
from roundel.domain.audit import AuditReads, Deed
from roundel.domain.blobs import Blobs
from roundel.domain.checkout_keys import CheckoutKeyReads
from roundel.domain.clock import Clock
from roundel.domain.definitions import DefinitionReads
from roundel.domain.groups import GroupReads
from roundel.domain.ids import JobId, OrganizationId, PersonId, WorkflowId
from roundel.domain.insight_views import InsightReads
from roundel.domain.logs import Logs
from roundel.domain.page_views import PageReads
from roundel.domain.pipelines import Pipeline, PipelineError, Ref
from roundel.domain.plan import Json
from roundel.domain.policies import PolicyReads
from roundel.domain.projects import Project, Slug
from roundel.domain.records import dataclass
from roundel.domain.reruns import Choice
from roundel.domain.runners import Secret
from roundel.domain.sessions import Session, SessionReads
from roundel.domain.shells import IDLE_SECONDS, LONGEST_SECONDS
from roundel.domain.ssh_keys import SshKeyReads
from roundel.domain.usage import UsageReads
from roundel.domain.views import Reads
from roundel.domain.webhooks import WebhookReads
from roundel.services.log_search import LogSearch
from roundel.web.project_ports import ProjectUseCases

if TYPE_CHECKING:
    import asyncio
    from contextlib import AbstractAsyncContextManager

    from roundel.services.shell_desk import Meeting
    from roundel.services.shells import OpenShell


class Wakeups(Protocol):
    """Hints: who listens is woken, and then looks at the database."""

    def listen(self, *topics: str) -> "AbstractContextManager[asyncio.Event]": ...


class Supply(Protocol):
    """Who asks for work."""

    def why_waiting(self, job: "object") -> str | None: ...


class WebApp(Protocol):
    """The part of the server's `App` that pages read from."""

    @property
    def audit(self) -> AuditReads: ...
    @property
    def blobs(self) -> Blobs: ...
    @property
    def checkout_keys(self) -> CheckoutKeyReads: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def definitions(self) -> DefinitionReads: ...
    @property
    def groups(self) -> GroupReads: ...
    @property
    def insights(self) -> InsightReads: ...
    @property
    def logs(self) -> Logs: ...
    @property
    def log_search(self) -> LogSearch: ...
    @property
    def pages(self) -> PageReads: ...
    @property
    def policies(self) -> PolicyReads: ...
    @property
    def reads(self) -> Reads: ...
    @property
    def sessions(self) -> SessionReads: ...
    @property
    def ssh_keys(self) -> SshKeyReads: ...
    @property
    def usage(self) -> UsageReads: ...
    @property
    def webhooks(self) -> WebhookReads: ...
    @property
    def wakeups(self) -> Wakeups: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedConfig:
    """What the compiler makes of a text; `output` is empty where it has errors."""

    output: str
    errors: tuple[PipelineError, ...]


class AuditCases(Protocol):
    """What is written down of forms."""

    async def record(self, deed: Deed) -> None: ...


class ShellCases(Protocol):
    """Shells in jobs that run.  Who may have one is judged here, each time."""

    def open(self, command: "OpenShell") -> "AbstractAsyncContextManager[Meeting]":
        """Yield the line to a shell, or refuse; leaving the block ends it."""

    async def check(self, command: "OpenShell") -> None:
        """Refuse whoever may not have one, or not any more."""


class WebUseCases(ProjectUseCases, Protocol):
    """What visitors may ask for, one transaction each.  Rights were checked by the page's row."""

    @property
    def audit(self) -> AuditCases: ...
    @property
    def shells(self) -> ShellCases: ...

    async def sign_in_with_token(self, unverified_token: Secret) -> Secret: ...

    async def sign_in_with_password(self, login: str, unverified_password: Secret) -> Secret: ...

    async def sign_out(self, digest: bytes) -> None: ...

    async def note_visit(self, session: Session) -> None: ...

    async def change_password(self, person: PersonId, password: Secret) -> None: ...

    async def invite(self, organization: OrganizationId, role: Role, by: Actor) -> Secret: ...

    async def accept_invitation(
        self, unverified_secret: str, login: str, name: str, password: Secret
    ) -> Secret:
        """Make the account; return the secret of its first session."""

    async def add_project(
        self, slug: Slug, repository_url: str, default_branch: str | None, by: Actor
    ) -> Project: ...

    async def trigger_pipeline(
        self, project: Project, ref: Ref, parameters: Mapping[str, Json], by: Actor
    ) -> Pipeline | None: ...

    async def check_config(self, project: Project, ref: Ref) -> CheckedConfig:
        """Compile the config of a branch without running anything."""

    async def cancel_workflow(self, workflow_id: WorkflowId, by: Actor) -> None: ...

    async def rerun_workflow(
        self, workflow_id: WorkflowId, choice: Choice, enable_ssh: bool, by: Actor
    ) -> WorkflowId: ...

    async def approve_job(self, workflow_id: WorkflowId, approval_id: JobId, by: Actor) -> None: ...

    async def cancel_job(self, job_id: JobId, by: Actor) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """`public_url` is None where the address that the visitor used counts.

    `signing_key` makes the tokens of forms; replicas share it.
    """

    signing_key: bytes
    public_url: str | None = None
    max_form_bytes: int = 1024 * 1024
    # Proxies end a stream that is silent; the right to look on is checked as often.
    heartbeat_seconds: float = 15.0
    shells: bool = False  # whether this server gives any
    shell_idle_seconds: float = IDLE_SECONDS
    shell_longest_seconds: float = LONGEST_SECONDS
