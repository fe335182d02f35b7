"""Pipelines: one run of a project's config, and what triggered it."""

from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import Protocol

from roundel.domain.clock import Micros
from roundel.domain.errors import IllegalMove
from roundel.domain.ids import PersonId, PipelineId, ProjectId, ScheduleId
from roundel.domain.plan import Json
from roundel.domain.records import dataclass


class PipelineState(StrEnum):
    """`state` of the API (spec: enumerations)."""

    PENDING = "pending"
    SETUP_PENDING = "setup-pending"
    SETUP = "setup"
    CREATED = "created"
    ERRORED = "errored"


_P = PipelineState
PIPELINE_MOVES: Mapping[PipelineState, frozenset[PipelineState]] = {
    _P.PENDING: frozenset({_P.SETUP_PENDING, _P.CREATED, _P.ERRORED}),
    _P.SETUP_PENDING: frozenset({_P.SETUP, _P.ERRORED}),
    _P.SETUP: frozenset({_P.CREATED, _P.ERRORED}),
    _P.CREATED: frozenset(),
    _P.ERRORED: frozenset(),
}


class TriggerType(StrEnum):
    """`trigger.type` of the API."""

    API = "api"
    WEBHOOK = "webhook"
    EXPLICIT = "explicit"
    SCHEDULED = "scheduled_pipeline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What started a pipeline, and on whose behalf."""

    type: TriggerType
    received_at: Micros
    actor_id: PersonId | None
    actor_login: str
    actor_avatar_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The commit that a pipeline is about; `revision` is a full hash."""

    revision: str
    subject: str = ""
    body: str = ""
    author_name: str = ""
    author_email: str = ""
    author_login: str = ""
    committed_at: Micros | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """What was asked for: a branch or a tag, never both.  With neither, the default branch."""

    branch: str | None = None
    tag: str | None = None


def ref_of_fork(number: int) -> Ref:
    """Return what a fork's branch is called in the repository that the pull request is for."""
    return Ref(branch=f"pull/{number}/head")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the git host told of the event that a pipeline came from.

    `values` are pipeline values by their dotted names.  `held` is True while somebody with rights
    has not said yes to a stranger's contribution.
    """

    provider: str
    repository: str  # full name at the host
    event: str
    action: str
    values: Mapping[str, Json] = field(default_factory=dict)
    base_revision: str | None = None
    pull_urls: tuple[str, ...] = ()  # of the open pull requests of the branch
    pull_number: int | None = None
    fork: bool = False
    fork_owner: str = ""
    fork_name: str = ""
    fork_branch: str = ""  # the head of a fork's pull request, and where git finds that,
    fork_address: str = ""  # if the repository that it is for does not have it
    author_id: str = ""  # of a fork's pull request, at the host
    web_url: str = ""
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigPlace:
    """A config that lies elsewhere than at the pipeline's commit."""

    project_id: ProjectId  # in whose repository
    ref: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Which definition a pipeline runs, what triggered it, and where its parts come from.

    `values` are further pipeline values by their dotted names, such as the body of a webhook.
    `config_document` is the content hash of a config that was given instead of the repository's.
    """

    definition_id: str
    definition_name: str = ""
    trigger_id: str | None = None
    trigger_name: str = ""
    config_file: str | None = None  # None: the usual one
    config: ConfigPlace | None = None
    config_document: str | None = None
    checkout_project: ProjectId | None = None  # whose repository; None: that of the project itself
    values: Mapping[str, Json] = field(default_factory=dict)


class ErrorType(StrEnum):
    """`errors[].type` of the API."""

    CONFIG = "config"
    CONFIG_FETCH = "config-fetch"
    TIMEOUT = "timeout"
    PERMISSION = "permission"
    OTHER = "other"
    PLAN = "plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineError:
    """One entry of a pipeline's `errors`."""

    type: ErrorType
    message: str
    where: str = ""  # for people: the place, the line of the source with a caret, a hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One run of a project's config.

    `ref` names a branch or a tag from the start on; `commit` is known once the config was
    fetched.  `source`, `compiled` and `plan` are content hashes of documents.
    """

    id: PipelineId
    project_id: ProjectId
    number: int
    state: PipelineState
    trigger: Trigger
    ref: Ref
    parameters: Mapping[str, Json]  # as passed by the trigger
    created_at: Micros
    updated_at: Micros
    commit: Commit | None = None
    errors: tuple[PipelineError, ...] = ()
    source: str | None = None
    compiled: str | None = None
    plan: str | None = None
    setup_source: str | None = None  # the setup config's, once another has continued it
    setup_compiled: str | None = None
    setup_plan: str | None = None
    scheduled_workflow: str | None = None  # the one that a schedule in the config asked for
    schedule_id: ScheduleId | None = None
    schedule_name: str | None = None
    origin: Origin | None = None  # of a pipeline that a git event started
    launch: Launch | None = None  # None: the project's default definition

    @property
    def in_fork(self) -> tuple[str, Ref] | None:
        """The address and the branch of its commit, where only a fork's repository has it."""
        origin = self.origin
        if origin is None or not origin.fork_address or origin.pull_number is None:
            return None
        if self.ref != ref_of_fork(origin.pull_number):
            return None  # a trigger's own, in a repository of ours
        return origin.fork_address, Ref(branch=origin.fork_branch)

    @property
    def definition_id(self) -> str:
        """The definition that it runs; the default one bears its project's id."""
        return self.project_id if self.launch is None else self.launch.definition_id

    def move(self, to: PipelineState, at: Micros) -> "Pipeline":
        """Return the pipeline in its next state, or refuse the move."""
        if to not in PIPELINE_MOVES[self.state]:
            raise IllegalMove(f"a pipeline cannot go from {self.state} to {to}")
        return replace(self, state=to, updated_at=at)


class Pipelines(Protocol):
    """Where pipelines are kept."""

    def add(self, pipeline: Pipeline) -> None: ...

    def get(self, pipeline_id: PipelineId) -> Pipeline | None: ...

    def save(self, pipeline: Pipeline, before: PipelineState) -> bool:
        """Save unless its state is no longer `before`; tell whether it was saved."""

    def newest_of_branch(self, project_id: ProjectId, branch: str) -> PipelineId | None:
        """Return the newest one of a branch, not counting those that a schedule made."""


class Documents(Protocol):
    """Texts by content: configs and plans, shared by all pipelines that have the same."""

    def put(self, text: str) -> str:
        """Keep `text`; return its hash."""

    def get(self, digest: str) -> str | None: ...
