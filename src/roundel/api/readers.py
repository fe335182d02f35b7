"""What the doors read: the part of the server's `App` that handlers see."""

from typing import Protocol

from roundel.domain.audit import AuditReads
from roundel.domain.blobs import Blobs
from roundel.domain.checkout_keys import CheckoutKeyReads
from roundel.domain.clock import Clock
from roundel.domain.definitions import DefinitionReads
from roundel.domain.deploys import DeployReads
from roundel.domain.git_hosts import ConnectionReads
from roundel.domain.groups import GroupReads
from roundel.domain.insight_views import InsightReads
from roundel.domain.jobs import Job
from roundel.domain.logs import Logs
from roundel.domain.page_views import PageReads
from roundel.domain.policies import PolicyReads
from roundel.domain.ssh_keys import SshKeyReads
from roundel.domain.storage import KeepingServer
from roundel.domain.telemetry import ExporterReads
from roundel.domain.usage import UsageReads
from roundel.domain.views import Reads
from roundel.domain.webhooks import (
    WebhookReads,
)
from roundel.services.following import Wakeups
from roundel.services.log_search import LogSearch


class Supply(Protocol):
    """Who asks for work."""

    def why_waiting(self, job: Job) -> str | None:
        """Return a sentence for a queued job that nobody asks for, None for any other job."""

    def trouble_with(self, queue: str) -> str | None:
        """Return why the runner beside this server does not serve a queue, if it says so."""


class ApiApp(Protocol):
    """The part of the server's `App` that the doors read from."""

    @property
    def blobs(self) -> Blobs: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def reads(self) -> Reads: ...
    @property
    def logs(self) -> Logs: ...
    @property
    def log_search(self) -> LogSearch: ...
    @property
    def wakeups(self) -> Wakeups: ...
    @property
    def supply(self) -> Supply: ...
    @property
    def runners(self) -> KeepingServer: ...
    @property
    def checkout_keys(self) -> CheckoutKeyReads: ...
    @property
    def connections(self) -> ConnectionReads: ...
    @property
    def audit(self) -> AuditReads: ...
    @property
    def definitions(self) -> DefinitionReads: ...
    @property
    def ssh_keys(self) -> SshKeyReads: ...
    @property
    def deploys(self) -> DeployReads: ...
    @property
    def exporters(self) -> ExporterReads: ...
    @property
    def groups(self) -> GroupReads: ...
    @property
    def insights(self) -> InsightReads: ...
    @property
    def pages(self) -> PageReads: ...
    @property
    def policies(self) -> PolicyReads: ...
    @property
    def usage(self) -> UsageReads: ...
    @property
    def webhooks(self) -> WebhookReads: ...
