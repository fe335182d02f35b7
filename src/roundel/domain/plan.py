"""The plan: what a compiled config asks for, as data.

It is stored with the pipeline, shown by the API and run by a runner that has never seen YAML.
A rerun uses the stored plan and never compiles again.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from roundel.domain.records import dataclass

if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
else:
    Json = Any  # decoders resolve annotations at run time, and none takes a recursive alias


DEFAULT_WORKING_DIRECTORY = "~/project"  # of a job whose config names none


class JobType(StrEnum):
    """`type:` of a job; `build` is the default."""

    BUILD = "build"
    APPROVAL = "approval"
    NO_OP = "no-op"
    LOCK = "lock"
    UNLOCK = "unlock"
    RELEASE = "release"


class When(StrEnum):
    """`when:` of a step: in which state of the job it runs."""

    ON_SUCCESS = "on_success"
    ON_FAIL = "on_fail"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something was written: a file or an orb's reference, counted from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """One step after expansion: `kind` is the built-in's name, `run` most often.

    `args` has the built-in's keys as in the compiled config (config-language section 8), already
    checked by the compiler; `run: cmd` is `{"command": "cmd"}`.  `name` is the text that CircleCI
    shows for the step.
    """

    kind: str
    name: str
    when: When = When.ON_SUCCESS
    args: dict[str, Json]
    at: Place | None = None


# All that a job does in a run which only shows the graph.
STUB = StepPlan(
    kind="run",
    name="Stub",
    when=When.ALWAYS,
    args={"command": "echo 'a stub of this job'", "shell": "/bin/sh -e"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePlan:
    """One entry of `docker:`.  The first of a job is its primary container."""

    image: str
    name: str | None = None
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    user: str | None = None
    environment: dict[str, str]
    auth: dict[str, str] | None = None


class ExecutorKind(StrEnum):
    """What sort of machine a job asks for."""

    DOCKER = "docker"
    MACHINE = "machine"
    MACOS = "macos"
    NONE = "none"  # approval, no-op, lock and unlock use no machine


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorPlan:
    """`images` for docker; `machine` holds the keys of `machine:` or `macos:` otherwise."""

    kind: ExecutorKind
    images: tuple[ImagePlan, ...] = ()
    machine: dict[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """A job's body.  `shell` and `working_directory` are None where the default applies.

    Environment values are text as they reach the process: true is `true`, null is left out.
    """

    name: str
    type: JobType = JobType.BUILD
    executor: ExecutorPlan
    steps: tuple[StepPlan, ...] = ()
    environment: dict[str, str]
    working_directory: str | None = None
    shell: str | None = None
    parallelism: int = 1
    resource_class: str | None = None
    extra: dict[str, Json]  # keys kept for later use: retention, circleci_ip_ranges, plan_name, key
    at: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One entry of `requires:`: the job must have ended in one of `statuses`."""

    job: str
    statuses: tuple[str, ...] = ("success",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotPlan:
    """One invocation in a workflow.  `job` is the key into `Plan.jobs`, None for an approval.

    `excluded` says why a filter keeps it from running; it is None for a job that runs.
    """

    name: str
    type: JobType
    job: str | None
    requires: tuple[Requirement, ...] = ()
    contexts: tuple[str, ...] = ()
    serial_group: str | None = None
    job_group: str | None = None  # the name of the job group that it came from, if any
    excluded: str | None = None
    at: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowPlan:
    """A workflow that runs, with all its invocations in the order of the config."""

    name: str
    slots: tuple[SlotPlan, ...]
    max_auto_reruns: int = 0
    schedules: tuple[dict[str, Json], ...] = ()  # `triggers:`; then it runs on schedule only
    at: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A workflow that does not run, and why."""

    workflow: str
    reason: str
    at: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a pipeline will do.  `setup` marks a setup (dynamic) config."""

    workflows: tuple[WorkflowPlan, ...]
    jobs: dict[str, JobPlan]
    dropped: tuple[Dropped, ...] = ()
    setup: bool = False
    parameters: Mapping[str, Json]  # effective pipeline parameters, defaults included
