"""Git hosts: connections to them, what they send us, and what we ask of them."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import NewType, Protocol

from roundel.domain.clock import MINUTE, SECOND, Micros
from roundel.domain.contexts import Sealed
from roundel.domain.git_events import GitEvent, Message
from roundel.domain.git_statuses import CommitStatus
from roundel.domain.ids import OrganizationId, PersonId, ProjectId
from roundel.domain.records import dataclass
from roundel.domain.runners import Secret

ConnectionId = NewType("ConnectionId", str)
DeliveryId = NewType("DeliveryId", str)

RECONCILE_EVERY = 4 * MINUTE  # a lost message is found within five, the time to look included
FIRST_POLL = 5 * SECOND  # where there are no messages; doubled while nothing changes
LAST_POLL = 2 * MINUTE
MOST_CONNECTIONS = 50  # of an organisation


class Provider(StrEnum):
    """Which host, and so which adapter."""

    GIT = "git"  # no host at all: a hook of ours in a bare repository
    GITHUB = "github"
    GITLAB = "gitlab"
    BITBUCKET = "bitbucket"
    BITBUCKET_DC = "bitbucket-dc"
    GITEA = "gitea"


class ConnectionSecret(StrEnum):
    """What a connection may keep sealed."""

    WEBHOOK = "webhook_secret"  # by which messages are verified
    TOKEN = "token"  # noqa: S105 - the name of a field; by which we ask the host
    PRIVATE_KEY = "private_key"  # of a GitHub App


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A host, or one repository of it, whose messages start pipelines of an organisation.

    Without `project_id` it stands for all projects whose repository the host names.
    """

    id: ConnectionId
    organization_id: OrganizationId
    project_id: ProjectId | None
    provider: Provider
    api_url: str  # where the host's API is; empty for that of the provider's own cloud, or none
    app_id: str  # of a GitHub App
    secrets: Sealed  # a JSON object by `ConnectionSecret`
    created_at: Micros
    heard_at: Micros | None = None  # when the last verified message came


class DeliveryState(StrEnum):
    """What became of a message that came in."""

    WAITING = "waiting"
    DONE = "done"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitDelivery:
    """One message that came in, verified and read.  `outcome` says what became of it."""

    id: DeliveryId
    connection_id: ConnectionId
    host_id: str  # the host's own name for it
    digest: str  # SHA-256 of its body
    name: str
    events: tuple[GitEvent, ...]
    state: DeliveryState
    outcome: str
    created_at: Micros


class WatchMode(StrEnum):
    """How a project's repository is looked at."""

    RECONCILED = "reconciled"  # messages tell; looked at for lost ones
    POLLED = "polled"  # nobody tells


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A repository whose refs are looked at by the clock.  `pause` is the present distance."""

    project_id: ProjectId
    mode: WatchMode
    pause: int  # microseconds
    looked_at: Micros | None = None  # None until the first look, which starts nothing
    problem: str = ""  # why the last look failed


@dataclass(frozen=True, slots=True, kw_only=True)
class PullFacts:
    """A pull request as it was last told of."""

    number: int
    branch: str
    url: str
    open: bool
    draft: bool = False
    fork: bool = False
    title: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class Unverified:
    """The message is not the host's, or cannot be read; `reason` may be told to the sender."""

    reason: str
    status: int = 401


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What opens a host's API: a connection with its secrets opened."""

    provider: Provider
    api_url: str
    app_id: str = ""
    secrets: Mapping[str, Secret] = field(default_factory=dict)

    def secret(self, kind: ConnectionSecret) -> Secret | None:
        """Return one of the secrets, if it is there."""
        return self.secrets.get(kind.value)

    @property
    def can_ask(self) -> bool:
        """Whether the host's API is open to us at all."""
        names = (ConnectionSecret.TOKEN, ConnectionSecret.PRIVATE_KEY)
        return any(name.value in self.secrets for name in names)


class HostRefused(Exception):
    """The host said no, or nothing; `retry_after` is in seconds where it names a time."""

    def __init__(self, message: str, *, retry_after: int | None = None, final: bool = False):
        super().__init__(message)
        self.retry_after = retry_after
        self.final = final  # asking again will not help


class GitHost(Protocol):
    """What one kind of host sends.  `headers` have lower-case names.

    Both are pure, and nothing that a stranger may send makes them raise.
    """

    def verify(self, headers: Mapping[str, str], raw_body: bytes, secret: str) -> bool:
        """Tell whether the message was made by who knows the secret, in constant time."""

    def read(self, headers: Mapping[str, str], raw_body: bytes) -> Message | Unverified:
        """Return what a verified message says."""


class HostApi(Protocol):
    """What one kind of host can be asked for."""

    async def set_status(self, status: CommitStatus, by: Credentials) -> None:
        """Show a status beside a commit; doing it again changes nothing.  Raise HostRefused."""

    async def clone_credentials(self, repository: str, by: Credentials) -> tuple[str, Secret]:
        """Return user and password for git over https.  Raise HostRefused."""

    async def add_deploy_key(
        self, repository: str, title: str, public_key: str, by: Credentials
    ) -> None:
        """Let a key read the repository.  Raise HostRefused."""


class GitHosts(Protocol):
    """The adapters by provider."""

    def of(self, provider: Provider) -> GitHost: ...

    def api(self, provider: Provider) -> HostApi | None:
        """Return the API of a provider's hosts; None for plain git."""


class Connections(Protocol):
    """Where connections, their deliveries and what is watched are kept."""

    def add(self, connection: Connection) -> None: ...

    def get(self, connection_id: ConnectionId) -> Connection | None: ...

    def remove(self, connection_id: ConnectionId) -> bool: ...

    def of_organization(self, organization_id: OrganizationId) -> Sequence[Connection]: ...

    def for_project(
        self, project_id: ProjectId, organization_id: OrganizationId
    ) -> Sequence[Connection]:
        """Return the connections that a project may use, its own ones first."""

    def heard(self, connection_id: ConnectionId, at: Micros) -> None: ...

    def under_other_keys(self, key_id: str) -> Sequence[Connection]: ...

    def reseal(self, connection: Connection) -> None: ...

    def add_delivery(self, delivery: GitDelivery) -> bool:
        """Add it unless one of its id or body is there; tell whether it was added."""

    def delivery(self, delivery_id: DeliveryId) -> GitDelivery | None: ...

    def take_delivery(self, delivery_id: DeliveryId) -> bool:
        """Take a delivery that waits; False where it waits no longer."""

    def tell_outcome(self, delivery_id: DeliveryId, state: DeliveryState, outcome: str) -> None:
        """Say what came of a delivery."""

    def forget_deliveries(self, before: Micros, limit: int) -> int: ...

    def watch(self, project_id: ProjectId) -> Watch | None: ...

    def put_watch(self, watch: Watch) -> None: ...

    def remove_watch(self, project_id: ProjectId) -> bool: ...

    def links(self, connection_id: ConnectionId, external_id: str) -> Sequence[ProjectId]:
        """Return the projects that a host's repository is known as."""

    def put_link(
        self, connection_id: ConnectionId, external_id: str, project_id: ProjectId, name: str
    ) -> None:
        """Remember as what a host knows a project's repository, and its present name there."""

    def pull(self, project_id: ProjectId, number: int) -> PullFacts | None: ...

    def put_pull(self, project_id: ProjectId, pull: PullFacts, at: Micros) -> None: ...

    def open_pulls(self, project_id: ProjectId, branch: str) -> Sequence[PullFacts]:
        """Return the open pull requests of a branch of the repository itself."""

    def knows_guest(self, project_id: ProjectId, author_id: str) -> bool:
        """Tell whether a contribution of this account was approved before."""

    def welcome_guest(
        self, project_id: ProjectId, author_id: str, by: PersonId, at: Micros
    ) -> None: ...


class ConnectionReads(Protocol):
    """What the doors read of connections."""

    async def connection(self, connection_id: ConnectionId) -> Connection | None: ...

    async def connections(self, organization_id: OrganizationId) -> Sequence[Connection]: ...

    async def deliveries(
        self,
        connection_id: ConnectionId,
        *,
        before: tuple[Micros, DeliveryId] | None,
        limit: int,
    ) -> Sequence[GitDelivery]: ...
