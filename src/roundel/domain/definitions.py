"""Pipeline definitions: which config runs on which checkout; and triggers: what starts them."""

from collections.abc import Sequence
from dataclasses import field
from enum import StrEnum
from typing import NewType, Protocol

from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid
from roundel.domain.ids import ProjectId
from roundel.domain.pipelines import Ref
from roundel.domain.presets import EventPreset
from roundel.domain.projects import Vcs
from roundel.domain.records import dataclass

DefinitionId = NewType("DefinitionId", str)
PipelineTriggerId = NewType("PipelineTriggerId", str)

CONFIG_FILE = ".circleci/config.yml"
DEFAULT_NAME = "default"
MOST_DEFINITIONS = 100  # of a project
MOST_TRIGGERS = 100  # of a definition
LONGEST_NAME = 200
LONGEST_DESCRIPTION = 2000
LONGEST_PATH = 500
LONGEST_REF = 250


class SourceProvider(StrEnum):
    """`provider` of sources and events; those after `webhook` are ours."""

    GITHUB_APP = "github_app"
    GITHUB_OAUTH = "github_oauth"
    CIRCLECI = "circleci"  # of a config alone: the file lies in the repository that is checked out
    WEBHOOK = "webhook"  # of an event alone: whoever knows the trigger's address
    BITBUCKET_OAUTH = "bitbucket_oauth"
    BITBUCKET_DC = "bitbucket_dc"
    GITLAB = "gitlab"
    GITEA = "gitea"
    GIT = "git"


# Of repositories whose project says nothing else.
PROVIDER_OF = {
    Vcs.GITHUB: SourceProvider.GITHUB_OAUTH,
    Vcs.BITBUCKET: SourceProvider.BITBUCKET_OAUTH,
    Vcs.CIRCLECI: SourceProvider.GITHUB_APP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRepository:
    """A repository as the client named it, and the project of ours that is built from it."""

    project_id: ProjectId
    external_id: str
    full_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutSource:
    """What is checked out; without a repository that of the definition's own project."""

    provider: SourceProvider | None = None
    repository: SourceRepository | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigSource:
    """Where the config lies; without a repository beside what is checked out."""

    provider: SourceProvider | None = None
    repository: SourceRepository | None = None
    file_path: str = CONFIG_FILE

    def __post_init__(self) -> None:
        parts = self.file_path.split("/")
        if any(part in ("", ".", "..") for part in parts) or not self.file_path.isprintable():
            raise Invalid(
                "config_source.file_path: expected the path of a file in the repository such as"
                f" {CONFIG_FILE}, got {self.file_path[:80]!r}"
            )
        if len(self.file_path) > LONGEST_PATH:
            raise Invalid(f"config_source.file_path: longer than {LONGEST_PATH} characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A pipeline that a project can run.  The default one has its project's id."""

    id: DefinitionId
    project_id: ProjectId
    name: str
    description: str = ""
    config: ConfigSource = field(default_factory=ConfigSource)
    checkout: CheckoutSource = field(default_factory=CheckoutSource)
    created_at: Micros

    def __post_init__(self) -> None:
        if not 0 < len(self.name.strip()) <= LONGEST_NAME:
            raise Invalid(f"name: expected 1 to {LONGEST_NAME} characters")
        if len(self.description) > LONGEST_DESCRIPTION:
            raise Invalid(f"description: longer than {LONGEST_DESCRIPTION} characters")

    @property
    def is_default(self) -> bool:
        """Whether it is the one that every project has."""
        return str(self.id) == self.project_id

    @property
    def checkout_project(self) -> ProjectId:
        """The project whose repository is checked out."""
        found = self.checkout.repository
        return self.project_id if found is None else found.project_id

    @property
    def config_project(self) -> ProjectId:
        """The project in whose repository the config lies."""
        found = self.config.repository
        return self.checkout_project if found is None else found.project_id


def default_definition(project_id: ProjectId, at: Micros) -> Definition:
    """Return the definition that a project has from its first moment on."""
    return Definition(
        id=DefinitionId(project_id), project_id=project_id, name=DEFAULT_NAME, created_at=at
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineTrigger:
    """What starts the pipelines of a definition: events of a repository, or a call to an address.

    The secret in that address is kept as its SHA-256 alone.  A ref that is empty is the one that
    the event is about, or the default branch where it is about none.
    """

    id: PipelineTriggerId
    definition_id: DefinitionId
    project_id: ProjectId
    provider: SourceProvider
    repository: SourceRepository | None  # whose events; None for webhooks
    preset: EventPreset | None  # None for webhooks
    checkout_ref: str = ""
    config_ref: str = ""
    event_name: str = ""
    sender: str = ""
    disabled: bool = False
    secret_digest: bytes | None = None
    created_at: Micros

    def __post_init__(self) -> None:
        for name in ("checkout_ref", "config_ref"):
            if len(getattr(self, name)) > LONGEST_REF:
                raise Invalid(f"{name}: longer than {LONGEST_REF} characters")
        for name in ("event_name", "sender"):
            if len(getattr(self, name)) > LONGEST_NAME:
                raise Invalid(f"{name}: longer than {LONGEST_NAME} characters")


def ref_of(text: str) -> Ref:
    """Return the branch or tag that a text names: full names of refs, or a branch alone."""
    if text.startswith("refs/tags/"):
        return Ref(tag=text.removeprefix("refs/tags/"))
    return Ref(branch=text.removeprefix("refs/heads/") or None)


class Definitions(Protocol):
    """Where definitions and their triggers are kept."""

    def add(self, definition: Definition) -> None: ...

    def get(self, definition_id: DefinitionId) -> Definition | None: ...

    def of_project(self, project_id: ProjectId) -> Sequence[Definition]:
        """Return a project's definitions in the order of their creation."""

    def save(self, definition: Definition) -> None:
        """Save all that can change."""

    def remove(self, definition_id: DefinitionId) -> None:
        """Remove it with its triggers; its pipelines stay."""

    def add_trigger(self, trigger: PipelineTrigger) -> None: ...

    def trigger(self, trigger_id: PipelineTriggerId) -> PipelineTrigger | None: ...

    def triggers(self, definition_id: DefinitionId) -> Sequence[PipelineTrigger]:
        """Return a definition's triggers in the order of their creation."""

    def listening_to(self, project_id: ProjectId) -> Sequence[tuple[Definition, PipelineTrigger]]:
        """Return triggers, disabled ones too, on events of the repository of a project.

        Those of other projects of its organisation are among them.
        """

    def save_trigger(self, trigger: PipelineTrigger) -> None:
        """Save all that can change."""

    def remove_trigger(self, trigger_id: PipelineTriggerId) -> None: ...

    def repository(self, among: Sequence[ProjectId], external_id: str) -> ProjectId | None:
        """Return which of the projects a host knows by this id."""


class DefinitionReads(Protocol):
    """What the doors read of definitions and triggers."""

    async def definition(self, definition_id: DefinitionId) -> Definition | None: ...

    async def definitions(self, project_id: ProjectId) -> Sequence[Definition]: ...

    async def trigger(self, trigger_id: PipelineTriggerId) -> PipelineTrigger | None: ...

    async def triggers(self, definition_id: DefinitionId) -> Sequence[PipelineTrigger]: ...
