"""What a use case is given: the database, the ports, the clock.  `app.py` fills it in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, TypeVar

from roundel.domain.records import dataclass

if TYPE_CHECKING:  # whoever runs a use case has what it touches; nobody needs all of it
    from roundel.domain.access import People
    from roundel.domain.audit import Audit
    from roundel.domain.blobs import Blobs
    from roundel.domain.checkout_keys import CheckoutKeys
    from roundel.domain.clock import Clock
    from roundel.domain.contexts import Contexts, Secrets
    from roundel.domain.definitions import DefinitionReads, Definitions
    from roundel.domain.deploys import Deploys
    from roundel.domain.git_hosts import ConnectionReads, Connections, GitHosts
    from roundel.domain.git_refs import KnownRefs
    from roundel.domain.git_statuses import GitStatuses
    from roundel.domain.groups import Groups
    from roundel.domain.history import History
    from roundel.domain.insight_views import Insights
    from roundel.domain.jobs import Executions, Jobs
    from roundel.domain.keeping import Artifacts, Caches, Layers, TestResults, Uploads
    from roundel.domain.logs import Logs
    from roundel.domain.oidc import AllCustomClaims, SigningKeys
    from roundel.domain.orbs import OrbRecords
    from roundel.domain.outbox import Outbox
    from roundel.domain.pipelines import Documents, Pipelines
    from roundel.domain.policies import Policies, PolicyReads
    from roundel.domain.projects import Projects
    from roundel.domain.removals import Removals
    from roundel.domain.repeats import Repeats
    from roundel.domain.replicas import Replicas
    from roundel.domain.repositories import Repositories
    from roundel.domain.resource_classes import ResourceClasses
    from roundel.domain.runners import Steps
    from roundel.domain.schedules import CronTriggers, Schedules
    from roundel.domain.sessions import SessionReads, Sessions
    from roundel.domain.settings import AllSettings
    from roundel.domain.ssh_keys import SshKeys
    from roundel.domain.storage import KeepingServer
    from roundel.domain.telemetry import Exporters
    from roundel.domain.timers import Timers
    from roundel.domain.turns import Tickets
    from roundel.domain.usage import UsageExports, UsageReads
    from roundel.domain.views import Reads
    from roundel.domain.webhooks import Webhooks
    from roundel.domain.workflows import Workflows
    from roundel.services.claim_desk import ClaimDesk
    from roundel.services.compiling import Compiler
    from roundel.services.judging import Judge
    from roundel.services.orbs import OrbShelf
    from roundel.services.shell_desk import ShellDesk
    from roundel.services.supply import Supply
    from roundel.vault.cipher import Cipher
    from roundel.vault.identity import TokenSigner
    from roundel.wire.web import Web

T = TypeVar("T")


class Tx(Protocol):
    """One open transaction, with the repositories of the nouns as attributes."""

    @property
    def artifacts(self) -> Artifacts: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def caches(self) -> Caches: ...
    @property
    def checkout_keys(self) -> CheckoutKeys: ...
    @property
    def connections(self) -> Connections: ...
    @property
    def contexts(self) -> Contexts: ...
    @property
    def definitions(self) -> Definitions: ...
    @property
    def documents(self) -> Documents: ...
    @property
    def executions(self) -> Executions: ...
    @property
    def deploys(self) -> Deploys: ...
    @property
    def exporters(self) -> Exporters: ...
    @property
    def groups(self) -> Groups: ...
    @property
    def history(self) -> History: ...
    @property
    def insights(self) -> Insights: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def git_statuses(self) -> GitStatuses: ...
    @property
    def known_refs(self) -> KnownRefs: ...
    @property
    def layers(self) -> Layers: ...
    @property
    def orbs(self) -> OrbRecords: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def people(self) -> People: ...
    @property
    def policies(self) -> Policies: ...
    @property
    def pipelines(self) -> Pipelines: ...
    @property
    def projects(self) -> Projects: ...
    @property
    def cron_triggers(self) -> CronTriggers: ...
    @property
    def schedules(self) -> Schedules: ...
    @property
    def secrets(self) -> Secrets: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def settings(self) -> AllSettings: ...
    @property
    def custom_claims(self) -> AllCustomClaims: ...
    @property
    def signing_keys(self) -> SigningKeys: ...
    @property
    def ssh_keys(self) -> SshKeys: ...
    @property
    def removals(self) -> Removals: ...
    @property
    def repeats(self) -> Repeats: ...
    @property
    def replicas(self) -> Replicas: ...
    @property
    def resource_classes(self) -> ResourceClasses: ...
    @property
    def steps(self) -> Steps: ...
    @property
    def test_results(self) -> TestResults: ...
    @property
    def tickets(self) -> Tickets: ...
    @property
    def timers(self) -> Timers: ...
    @property
    def uploads(self) -> Uploads: ...
    @property
    def usage(self) -> UsageExports: ...
    @property
    def webhooks(self) -> Webhooks: ...
    @property
    def workflows(self) -> Workflows: ...

    def wake(self, topic: str) -> None:
        """Wake those who wait on `topic`, once this is durable.  A hint, never relied on."""


class Database(Protocol):
    """Where transactions run.  `fn` is synchronous, awaits nothing and may be run again."""

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in one transaction; return its value once that is durable."""


class Wakeups(Protocol):
    """Hints: who listens is woken, and then looks at the database."""

    def listen(self, *topics: str) -> AbstractContextManager[asyncio.Event]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where this server is reached: by its own address, by people, and by jobs."""

    own_url: str
    public_url: str
    job_url: str


class App(Protocol):
    """Everything that the doors and the use cases share; no globals beside it."""

    @property
    def instance(self) -> str:
        """This process, as the owner of the timers that it takes."""

    def signing_key(self) -> bytes:
        """Return the secret that signs what we give out; replicas share it."""

    @property
    def predecessor(self) -> str | None:
        """The process whose place this one has taken."""

    @property
    def alone(self) -> bool:
        """Whether no other server can be on this database."""

    @property
    def addresses(self) -> Addresses: ...
    @property
    def blobs(self) -> Blobs: ...
    @property
    def connections(self) -> ConnectionReads: ...
    @property
    def cipher(self) -> Cipher: ...
    @property
    def claim_desk(self) -> ClaimDesk: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def compiler(self) -> Compiler: ...
    @property
    def database(self) -> Database: ...
    @property
    def definitions(self) -> DefinitionReads: ...
    @property
    def git_hosts(self) -> GitHosts: ...
    @property
    def logs(self) -> Logs: ...
    @property
    def orbs(self) -> OrbShelf: ...
    @property
    def judge(self) -> Judge: ...
    @property
    def policies(self) -> PolicyReads: ...
    @property
    def reads(self) -> Reads: ...
    @property
    def repositories(self) -> Repositories: ...
    @property
    def runners(self) -> KeepingServer: ...
    @property
    def sessions(self) -> SessionReads: ...
    @property
    def shell_desk(self) -> ShellDesk | None:
        """Where people and runners meet for shells; None where nobody gets one."""

    @property
    def signer(self) -> TokenSigner | None:
        """What signs identity tokens; None where jobs get none."""

    @property
    def supply(self) -> Supply: ...
    @property
    def wakeups(self) -> Wakeups: ...
    @property
    def usage(self) -> UsageReads: ...
    @property
    def web(self) -> Web: ...


# Topics of wake-ups.
CLAIMS = "claims"  # something was queued
TIMERS = "timers"  # something is due sooner than was known


def topic_of_execution(execution_id: str) -> str:
    """Somebody asked for its end, or its lease is lost."""
    return f"execution:{execution_id}"


def topic_of_shells(execution_id: str) -> str:
    """Somebody waits for a shell in it."""
    return f"shells:{execution_id}"


def topic_of_output(execution_id: str, step: int) -> str:
    """A step has new output, or has ended."""
    return f"output:{execution_id}:{step}"
