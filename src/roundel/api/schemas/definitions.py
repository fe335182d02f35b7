"""Pipeline definitions and triggers on the wire."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from roundel.api.schemas.common import Time, Uuid, millis
from roundel.domain.definitions import (
    PROVIDER_OF,
    Definition,
    PipelineTrigger,
    SourceProvider,
    SourceRepository,
)
from roundel.domain.presets import EventPreset
from roundel.domain.projects import Project

HIDDEN = "**********"  # in place of the secret in a webhook's address, once it was shown
RepositoryProvider = Literal[
    "github_app", "github_oauth", "bitbucket_oauth", "bitbucket_dc", "gitlab", "gitea", "git"
]
ConfigProvider = Literal[RepositoryProvider, "circleci"]
EventProvider = Literal[RepositoryProvider, "webhook"]
Preset = Literal[
    "all-pushes",
    "only-tags",
    "default-branch-pushes",
    "only-build-prs",
    "only-open-prs",
    "only-labeled-prs",
    "only-merged-prs",
    "only-ready-for-review-prs",
    "only-branch-delete",
    "only-build-pushes-to-non-draft-prs",
    "only-merged-or-closed-prs",
]


class RepoNamed(msgspec.Struct):
    external_id: str


class ConfigWanted(msgspec.Struct):
    provider: ConfigProvider
    file_path: str
    repo: RepoNamed | None = None


class CheckoutWanted(msgspec.Struct):
    provider: RepositoryProvider
    repo: RepoNamed


class DefinitionBody(msgspec.Struct):
    name: str
    config_source: ConfigWanted
    checkout_source: CheckoutWanted
    description: str = ""


class ConfigChange(msgspec.Struct):
    file_path: str | None = None


class CheckoutChange(msgspec.Struct):
    provider: RepositoryProvider | None = None
    repo: RepoNamed | None = None


class DefinitionChange(msgspec.Struct):
    """What is left out stays as it is."""

    name: str | None = None
    description: str | None = None
    config_source: ConfigChange | None = None
    checkout_source: CheckoutChange | None = None


class RepoShown(msgspec.Struct):
    full_name: str
    external_id: str


class ConfigShown(msgspec.Struct):
    provider: str
    file_path: str
    repo: RepoShown | UnsetType = UNSET


class CheckoutShown(msgspec.Struct):
    provider: str
    repo: RepoShown


class DefinitionShown(msgspec.Struct):
    id: Uuid
    name: str
    description: str
    created_at: Time
    config_source: ConfigShown
    checkout_source: CheckoutShown


class Definitions(msgspec.Struct):
    items: list[DefinitionShown]


class SenderNamed(msgspec.Struct):
    sender: str = ""


class EventSource(msgspec.Struct):
    provider: EventProvider
    repo: RepoNamed | None = None
    webhook: SenderNamed | None = None


class TriggerBody(msgspec.Struct):
    event_source: EventSource
    event_preset: Preset | None = None
    checkout_ref: str = ""
    config_ref: str = ""
    event_name: str = ""
    disabled: bool = False


class EventSourceChange(msgspec.Struct):
    webhook: SenderNamed | None = None


class TriggerChange(msgspec.Struct):
    """What is left out stays as it is."""

    event_preset: Preset | None = None
    checkout_ref: str | None = None
    config_ref: str | None = None
    event_name: str | None = None
    disabled: bool | None = None
    event_source: EventSourceChange | None = None


class WebhookAddress(msgspec.Struct):
    url: str
    sender: str


class EventSourceShown(msgspec.Struct):
    provider: str
    repo: RepoShown | UnsetType = UNSET
    webhook: WebhookAddress | UnsetType = UNSET


class TriggerShown(msgspec.Struct):
    id: Uuid
    event_name: str
    created_at: Time
    event_source: EventSourceShown
    checkout_ref: str
    config_ref: str
    disabled: bool
    event_preset: Preset | UnsetType = UNSET


class Triggers(msgspec.Struct):
    items: list[TriggerShown]


class Called(msgspec.Struct):
    """What the caller of a webhook's address is told."""

    message: str
    pipeline_id: Uuid | UnsetType = UNSET
    pipeline_number: int | UnsetType = UNSET


class RefWanted(msgspec.Struct, forbid_unknown_fields=True):
    branch: str | None = None
    tag: str | None = None


class RunConfig(RefWanted, forbid_unknown_fields=True):
    """`content` is a config to run in the place of the repository's; empty it is none."""

    content: str | None = None


class RunBody(msgspec.Struct, forbid_unknown_fields=True):
    definition_id: str | None = None
    config: RunConfig | None = None
    checkout: RefWanted | None = None
    parameters: dict[str, bool | int | float | str] = {}


def definition_shown(definition: Definition, project: Project) -> DefinitionShown:
    own = PROVIDER_OF[project.slug.vcs]
    config, checkout = definition.config, definition.checkout
    checked_out = _repo(checkout.repository, project)
    by_circleci = config.provider is SourceProvider.CIRCLECI
    return DefinitionShown(
        id=definition.id,
        name=definition.name,
        description=definition.description,
        created_at=millis(definition.created_at),
        config_source=ConfigShown(
            provider=config.provider or own,
            file_path=config.file_path,
            repo=UNSET
            if by_circleci
            else checked_out
            if config.repository is None
            else _repo(config.repository, project),
        ),
        checkout_source=CheckoutShown(provider=checkout.provider or own, repo=checked_out),
    )


def trigger_shown(
    trigger: PipelineTrigger, project: Project, origin: str, secret: str | None = None
) -> TriggerShown:
    """Return the trigger; the secret of a webhook's address is shown when it was just made."""
    by_webhook = trigger.provider is SourceProvider.WEBHOOK
    address = f"{origin}/api/roundel/trigger/{trigger.id}?secret={secret or HIDDEN}"
    return TriggerShown(
        id=trigger.id,
        event_name=trigger.event_name,
        created_at=millis(trigger.created_at),
        event_source=EventSourceShown(
            provider=trigger.provider,
            repo=UNSET if by_webhook else _repo(trigger.repository, project),
            webhook=WebhookAddress(address, trigger.sender) if by_webhook else UNSET,
        ),
        event_preset=UNSET if trigger.preset is None else _preset(trigger.preset),
        checkout_ref=trigger.checkout_ref,
        config_ref=trigger.config_ref,
        disabled=trigger.disabled,
    )


def _preset(preset: EventPreset) -> Preset:
    return preset.value


def _repo(repository: SourceRepository | None, project: Project) -> RepoShown:
    if repository is None:
        slug = project.slug
        return RepoShown(f"{slug.organization}/{slug.project}", project.id)
    return RepoShown(repository.full_name, repository.external_id)
