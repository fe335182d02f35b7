"""Resource classes, runner tokens and runners on the wire."""

import msgspec

from roundel.api.schemas.common import Time, Uuid, millis, millis_or_none
from roundel.domain.resource_classes import ResourceClass, RunnerToken, SeenRunner


class AddResourceClass(msgspec.Struct):
    resource_class: str
    description: str = ""


class AddRunnerToken(msgspec.Struct):
    resource_class: str
    nickname: str = ""


class ClassShown(msgspec.Struct):
    id: Uuid
    resource_class: str
    description: str


class RunnerTokenShown(msgspec.Struct):
    id: Uuid
    resource_class: str
    nickname: str
    created_at: Time


class NewRunnerToken(RunnerTokenShown):
    """The token is shown this once."""

    token: str


class RunnerShown(msgspec.Struct):
    resource_class: str
    hostname: str
    name: str
    first_connected: Time
    last_connected: Time
    last_used: Time | None
    ip: str
    version: str


class Classes(msgspec.Struct):
    items: list[ClassShown]


class RunnerTokens(msgspec.Struct):
    items: list[RunnerTokenShown]


class Runners(msgspec.Struct):
    items: list[RunnerShown]


class UnclaimedTasks(msgspec.Struct):
    unclaimed_task_count: int


class RunningTasks(msgspec.Struct):
    running_runner_tasks: int


def class_shown(it: ResourceClass) -> ClassShown:
    return ClassShown(id=it.id, resource_class=it.name, description=it.description)


def token_shown(it: RunnerToken) -> RunnerTokenShown:
    return RunnerTokenShown(
        id=it.id,
        resource_class=it.resource_class.name,
        nickname=it.nickname,
        created_at=millis(it.created_at),
    )


def new_token_shown(it: RunnerToken, text: str) -> NewRunnerToken:
    shown = token_shown(it)
    return NewRunnerToken(
        id=shown.id,
        resource_class=shown.resource_class,
        nickname=shown.nickname,
        created_at=shown.created_at,
        token=text,
    )


def runner_shown(it: SeenRunner) -> RunnerShown:
    return RunnerShown(
        resource_class=it.resource_class.name,
        hostname=it.hostname,
        name=it.name,
        first_connected=millis(it.first_connected),
        last_connected=millis(it.last_connected),
        last_used=millis_or_none(it.last_used),
        ip=it.ip,
        version=it.version,
    )
