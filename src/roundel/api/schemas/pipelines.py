"""Pipelines on the wire."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from roundel.api.schemas.common import Time, Uuid, millis
from roundel.domain.pipelines import Commit, Pipeline
from roundel.domain.plan import Json
from roundel.domain.projects import PROVIDER_NAME
from roundel.domain.views import PipelineConfig, PipelineView

State = Literal["created", "errored", "setup-pending", "setup", "pending"]


class Problem(msgspec.Struct):
    type: Literal[
        "config", "config-fetch", "timeout", "permission", "other", "trigger-rule", "plan"
    ]
    message: str


class TriggerActor(msgspec.Struct):
    login: str
    avatar_url: str


class TriggerShown(msgspec.Struct):
    type: Literal["scheduled_pipeline", "explicit", "api", "webhook"]
    received_at: Time
    actor: TriggerActor


class CommitShown(msgspec.Struct):
    """Subject and body are texts, never null: strict clients want them."""

    subject: str
    body: str


class Vcs(msgspec.Struct):
    provider_name: str
    origin_repository_url: str
    target_repository_url: str
    revision: str
    branch: str | UnsetType = UNSET
    tag: str | UnsetType = UNSET
    commit: CommitShown | UnsetType = UNSET


class PipelineShown(msgspec.Struct):
    id: Uuid
    number: int
    project_slug: str
    state: State
    errors: list[Problem]
    created_at: Time
    updated_at: Time
    trigger: TriggerShown
    vcs: Vcs
    trigger_parameters: Mapping[str, Any] | UnsetType = UNSET


class TriggerBody(msgspec.Struct):
    """What to run; `branch` and `tag` exclude each other."""

    branch: str | None = None
    tag: str | None = None
    parameters: dict[str, bool | int | float | str] = {}


class ContinueBody(msgspec.Struct, rename={"continuation_key": "continuation-key"}):
    """The config with which a pipeline in setup goes on."""

    continuation_key: str
    configuration: str
    parameters: dict[str, bool | int | float | str] | None = None


class Triggered(msgspec.Struct):
    id: Uuid
    state: State
    number: int
    created_at: Time


class ConfigShown(
    msgspec.Struct, rename={"setup": "setup-config", "compiled_setup": "compiled-setup-config"}
):
    source: str
    compiled: str
    setup: str | UnsetType = UNSET
    compiled_setup: str | UnsetType = UNSET


def pipeline_shown(view: PipelineView) -> PipelineShown:
    pipeline = view.pipeline
    trigger = pipeline.trigger
    return PipelineShown(
        pipeline.id,
        pipeline.number,
        str(view.project_slug),
        pipeline.state.value,
        [Problem(error.type.value, error.message) for error in pipeline.errors],
        millis(pipeline.created_at),
        millis(pipeline.updated_at),
        TriggerShown(
            trigger.type.value,
            millis(trigger.received_at),
            TriggerActor(trigger.actor_login, trigger.actor_avatar_url),
        ),
        _vcs(view),
        _parameters(pipeline.parameters),
    )


def _vcs(view: PipelineView) -> Vcs:
    pipeline = view.pipeline
    commit = pipeline.commit
    return Vcs(
        PROVIDER_NAME[view.project_slug.vcs],
        view.repository_url,
        view.repository_url,
        commit.revision if commit is not None else "",  # not yet fetched
        UNSET if pipeline.ref.branch is None else pipeline.ref.branch,
        UNSET if pipeline.ref.tag is None else pipeline.ref.tag,
        _commit(commit),
    )


def _commit(commit: Commit | None) -> CommitShown | UnsetType:
    return UNSET if commit is None else CommitShown(commit.subject, commit.body)


def _parameters(parameters: Mapping[str, Json]) -> Mapping[str, Json] | UnsetType:
    return parameters or UNSET


def triggered(pipeline: Pipeline) -> Triggered:
    return Triggered(
        pipeline.id, pipeline.state.value, pipeline.number, millis(pipeline.created_at)
    )


def config_shown(config: PipelineConfig) -> ConfigShown:
    return ConfigShown(
        config.source,
        config.compiled,
        UNSET if config.setup_source is None else config.setup_source,
        UNSET if config.setup_compiled is None else config.setup_compiled,
    )
