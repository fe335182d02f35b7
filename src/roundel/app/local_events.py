"""What happens in a local run, as it happens: for the terminal, and for tools that read along."""

from typing import Protocol, TypeAlias

from roundel.domain.clock import Micros
from roundel.domain.ids import ExecutionId, JobId, WorkflowId
from roundel.domain.plan import Plan
from roundel.domain.records import dataclass
from roundel.domain.runners import StepReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One node of a job that runs, with the name by which people tell it from others."""

    execution: ExecutionId
    job: JobId
    name: str
    label: str
    number: int
    node: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobBegan:
    """A node of a job was given to the runner."""

    task: Task
    at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTold:
    """A step began or ended."""

    task: Task
    report: StepReport


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputLine:
    """A line of masked output, without its end."""

    task: Task
    step: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded:
    """A node of a job has ended."""

    task: Task
    status: str
    message: str | None
    at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far something is that takes a while before a step has output, such as an image's pull.

    `total` is None where nobody knows; both count bytes.
    """

    task: Task
    text: str
    done: int
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStands:
    """A job of a workflow as it stands, with what it requires."""

    job: JobId
    name: str
    type: str
    status: str
    requires: tuple[str, ...]
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowStands:
    """A workflow as it stands; told again when anything of it has changed."""

    workflow: WorkflowId
    name: str
    status: str
    jobs: tuple[JobStands, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A job waits for approval."""

    workflow: str
    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """An approval was given, or refused."""

    workflow: str
    job: str
    given: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that a person should know."""

    text: str
    warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFailure:
    """A test that did not pass."""

    job: str
    name: str
    file: str | None
    line: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSummary:
    """A job at the end of the run; `seconds` is None for one that never ran."""

    workflow: str
    name: str
    number: int | None
    status: str
    seconds: float | None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All that came of a run."""

    succeeded: bool
    jobs: tuple[JobSummary, ...]
    workflows: tuple[tuple[str, str], ...]  # names with statuses
    failures: tuple[TestFailure, ...] = ()
    tests: int = 0
    folder: str = ""
    artifacts: int = 0
    interrupted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What would run, instead of running it."""

    plan: Plan


Event: TypeAlias = (
    JobBegan
    | StepTold
    | OutputLine
    | Progress
    | JobEnded
    | WorkflowStands
    | Waiting
    | Approved
    | Note
    | Planned
    | Summary
)


class Audience(Protocol):
    """Who hears of it, in the order in which it happens."""

    def hear(self, event: Event) -> None: ...
