"""The protocol between server and runner, and the messages that it carries.

Services implement `Server` for the runner in the same process; `wire/` carries it over HTTP for
the others.  One contract suite runs on both.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from roundel.domain.clock import Micros
from roundel.domain.deploys import Release
from roundel.domain.ids import ExecutionId, JobId, ProjectId, RunnerId
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import ExecutorPlan, StepPlan
from roundel.domain.records import dataclass
from roundel.domain.resource_use import Sample

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from roundel.domain.shells import ShellLine

LEASE_SECONDS = 60  # without renewal for this long, an execution counts as lost
RENEW_SECONDS = LEASE_SECONDS // 3


class Secret(str):
    """A text that never shows itself: its repr is `***`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a runner asks for: jobs of its classes; with none, all others of its executors."""

    runner_id: RunnerId
    resource_classes: tuple[str, ...] = ()
    executors: tuple[str, ...] = ("docker", "machine")
    wait_seconds: float = 20.0  # how long the server may keep the call open
    ahead: int = 0  # of how many containers of next jobs it wants to know


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Proof that an execution is ours.  A write with an older fence is refused."""

    execution_id: ExecutionId
    runner_id: RunnerId
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutOrder:
    """What `checkout` needs to know about the repository, and what opens it."""

    repository_url: str
    revision: str
    branch: str | None = None
    tag: str | None = None
    ssh_key: Secret | None = None  # a private key, where the address is reached by ssh
    known_hosts: str = ""  # lines for ssh; other hosts are taken as they come, and remembered
    username: str = ""  # with `password`, for https
    password: Secret | None = None
    password_on_request: bool = False  # the server has one made once the step needs it

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What must not be seen in output."""
        return tuple(secret for secret in (self.ssh_key, self.password) if secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutPassword:
    """What opens a job's repository over https.

    Without `password` nothing of ours does; `away` says why where asking again may help.
    """

    username: str = ""
    password: Secret | None = None
    away: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshKeyOrder:
    """An additional key for `add_ssh_keys`; an empty host name stands for all hosts."""

    hostname: str
    md5: str
    sha256: str
    private_key: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class NextContainer:
    """What the only container of a job that may come next is made of, and nothing else of it."""

    image: str
    user: str | None = None
    resource_class: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOrder:
    """All that a runner needs to run one execution.

    `environment` is laid over in the documented order already (built-in values last in rank after
    the job's own); `masks` are the values to hide in output.  Image environment is not in it.
    """

    lease: Lease
    job_id: JobId
    job_name: str
    job_number: int
    project_slug: str
    node: int
    nodes: int
    attempt: int
    executor: ExecutorPlan
    steps: tuple[StepPlan, ...]
    environment: dict[str, str]
    masks: tuple[Secret, ...] = ()
    shell: str | None = None
    working_directory: str | None = None
    resource_class: str | None = None
    checkout: CheckoutOrder | None = None
    ssh_keys: tuple[SshKeyOrder, ...] | None = ()  # None: a fork's job, which gets no keys
    time_limit_seconds: float = 5 * 3600.0
    next: tuple[NextContainer, ...] = ()  # of jobs that wait for nothing but this one's success


class StepStatus(StrEnum):
    """`status` of an action in API v1.1, cut down to what a step can be."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"
    TIMEDOUT = "timedout"
    INFRASTRUCTURE_FAIL = "infrastructure_fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """A step began (`status` running) or ended.  Saying it twice changes nothing.

    `index` counts the steps of the execution from 0, in the order in which they started;
    implicit ones such as "Spin up environment" count as well.  `message` is ours, for people:
    why it was killed, for example.
    """

    index: int
    name: str
    kind: str
    status: StepStatus
    command: str | None = None  # the text of a `run`, for `bash_command` of v1.1
    background: bool = False
    exit_code: int | None = None
    message: str | None = None
    started_at: Micros
    ended_at: Micros | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a step's masked output; the same number twice is a no-op.

    `source_end` is how far into the step's raw output this chunk reaches, so that a runner that
    comes back goes on there.
    """

    step: int
    number: int
    data: bytes
    source_end: int
    at: Micros


@dataclass(frozen=True, slots=True)
class OutputEnd:
    """How far the server has a step's output: the number of its next chunk, and its bytes."""

    next_chunk: int
    size: int


@dataclass(frozen=True, slots=True)
class PlacedChunk:
    """A chunk that is the next of its step, the byte where it begins, and its object if it has one.

    With `blob` the data is in that object already, and only the index row is written.
    """

    chunk: Chunk
    start_at: int
    blob: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepProgress:
    """What the server has of one step of an execution."""

    report: StepReport
    next_chunk: int = 0
    source_end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """What a job has done since the last one.  A step may begin and end in the same."""

    begun: tuple[StepReport, ...] = ()
    chunks: tuple[Chunk, ...] = ()
    ended: tuple[StepReport, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """The server's word to a runner: go on, stop, or call back as somebody wants a shell."""

    cancel: bool = False
    shell_wanted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How an execution ended.  `message` says why in plain words where a person needs it."""

    status: ExecutionStatus
    message: str | None = None
    samples: tuple[Sample, ...] = ()  # those of resource use that were not told yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The answer to a runner that came back: the same order, and what the server has already."""

    order: JobOrder
    steps: tuple[StepProgress, ...] = field(default=())


class Server(Protocol):
    """What a runner may ask of its server.

    Every call but `claim` and `resume` carries the lease and raises `LeaseLost` when the
    execution was given to another, has ended, or is not known.  All may be repeated: doing it
    twice changes nothing.
    """

    async def claim(self, offer: Offer) -> JobOrder | None:
        """Return a job, or None when there was none within `offer.wait_seconds`."""

    async def settle(self, runner_id: RunnerId, holds: Collection[ExecutionId]) -> None:
        """Take back what `runner_id` is thought to have and does not hold.

        Said at a runner's start: nobody has to wait for those leases to run out.
        """

    async def resume(self, lease: Lease) -> Resumed | None:
        """Return the order again to a runner that was away, or None when it must give up."""

    async def renew(self, lease: Lease, samples: Sequence[Sample] = ()) -> Orders:
        """Keep the lease for another `LEASE_SECONDS`; learn whether to cancel.

        The samples tell what the job has used since the last time.
        """

    async def report(self, lease: Lease, steps: Sequence[StepReport]) -> Orders:
        """Tell of steps that began or ended, in order."""

    async def chunk(self, lease: Lease, chunks: Sequence[Chunk]) -> Orders:
        """Hand over output; it is durable when the call returns."""

    async def ship(self, lease: Lease, shipment: Shipment) -> Orders:
        """Report what began, hand over output, then report what ended; it is durable then."""

    async def canceled(self, lease: Lease) -> None:
        """Return once this execution is to be cancelled or its lease is lost (long poll)."""

    async def called(self, lease: Lease) -> Orders:
        """Return once something is asked of this execution, as `canceled` for more (long poll)."""

    def shell(self, lease: Lease) -> "AbstractAsyncContextManager[ShellLine | None]":
        """Yield the line to who wants a shell in the execution; None where nobody waits any more.

        Leaving the block hangs up.
        """

    async def finish(self, lease: Lease, result: Result) -> None:
        """End the execution; the lease is gone afterwards."""

    async def end(self, lease: Lease, shipment: Shipment, result: Result) -> None:
        """Take the last shipment and end the execution, both or neither."""

    async def identity_token(
        self, lease: Lease, claims: Mapping[str, object], root_issuer: bool
    ) -> Secret:
        """Return a token with claims that the job asks for; refuse a fork's (NotAllowed)."""

    async def checkout_password(self, lease: Lease) -> CheckoutPassword:
        """Return a password for the job's repository, made at its host; may take a while."""

    async def log_release(self, lease: Lease, release: Release) -> None:
        """Keep what the job has deployed; refuse a fork's (NotAllowed), wrong names (Invalid)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutline:
    """What the end of an execution needs to know of a step."""

    index: int
    running: bool
    unsealed: int  # bytes of output that are still in chunks


class Steps(Protocol):
    """Where the steps of executions and the index of their output are kept."""

    def get(self, execution_id: ExecutionId, index: int) -> StepReport | None: ...

    def save(self, execution_id: ExecutionId, reports: Sequence[StepReport]) -> None:
        """Add steps, or lay the reports over what is known; an ended step stays as it is."""

    def outlines(self, execution_id: ExecutionId) -> Sequence[StepOutline]:
        """Return all steps in their order, without their texts."""

    def progress(self, execution_id: ExecutionId) -> Sequence[StepProgress]:
        """Return all steps in their order, with how much output there is."""

    def close(self, execution_id: ExecutionId, status: StepStatus, at: Micros) -> None:
        """End the steps that are still running, as happens to those of a lost runner."""

    def output_ends(
        self, execution_id: ExecutionId, steps: Collection[int]
    ) -> Mapping[int, OutputEnd]:
        """Return how far the output of these steps is there; a step that is not is left out."""

    def append(self, execution_id: ExecutionId, chunks: Sequence[PlacedChunk]) -> None:
        """Append chunks to their steps, in this order."""

    def unsealed(self, execution_id: ExecutionId, at_least: int) -> Sequence[int]:
        """Return the steps with at least so many bytes whose output is still in chunks."""

    def seal(
        self, execution_id: ExecutionId, step: int, blob: str, line_index: bytes | None
    ) -> Sequence[str]:
        """Let the object `blob` have a step's whole output; return the objects it replaces."""

    def outdated(
        self, project_id: ProjectId, before: Micros, limit: int
    ) -> Sequence[tuple[ExecutionId, Sequence[str]]]:
        """Return executions with output whose workflow ended before then, with their objects."""

    def drop_output(self, execution_id: ExecutionId) -> None:
        """Forget an execution's output; its steps and how they ended stay."""
