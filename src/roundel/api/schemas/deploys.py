"""Deploy markers on the wire."""

from collections.abc import Sequence

import msgspec

from roundel.api.schemas.common import Time, Uuid, millis
from roundel.domain.deploys import Component, Environment, PlannedRelease, ReleaseStatus, Version


class Label(msgspec.Struct):
    key: str
    value: str


class EnvironmentShown(msgspec.Struct):
    id: Uuid
    name: str
    description: str
    labels: list[Label]
    created_at: str
    updated_at: str


class ComponentShown(msgspec.Struct):
    id: Uuid
    name: str
    project_id: Uuid
    labels: list[Label]
    release_count: int
    created_at: str
    updated_at: str


class VersionShown(msgspec.Struct):
    name: str
    environment_id: Uuid
    namespace: str
    is_live: bool
    pipeline_id: Uuid
    workflow_id: Uuid
    job_id: Uuid
    job_number: int
    last_deployed_at: str


class ReleaseShown(msgspec.Struct):
    """A release that a job has planned; `reason` is why it failed, or empty."""

    name: str
    component_name: str
    environment_name: str
    target_version: str
    namespace: str
    status: ReleaseStatus
    reason: str
    created_at: Time
    updated_at: Time


def release_shown(it: PlannedRelease) -> ReleaseShown:
    made, changed = millis(it.created_at), millis(it.updated_at)
    return ReleaseShown(
        *(it.name, it.component, it.environment, it.version, it.namespace),
        *(it.status, it.reason, made, changed),
    )


def environment_shown(it: Environment) -> EnvironmentShown:
    return EnvironmentShown(it.id, it.name, "", [], millis(it.created_at), millis(it.updated_at))


def component_shown(it: Component) -> ComponentShown:
    made, changed = millis(it.created_at), millis(it.updated_at)
    return ComponentShown(it.id, it.name, it.project_id, [], it.releases, made, changed)


def versions_shown(newest_first: Sequence[Version]) -> list[VersionShown]:
    """Return versions; in each environment and namespace the newest one is live."""
    shown: list[VersionShown] = []
    seen: set[tuple[str, str]] = set()
    for it in newest_first:
        place = (it.environment_id, it.namespace)
        shown.append(
            VersionShown(
                name=it.name,
                environment_id=it.environment_id,
                namespace=it.namespace,
                is_live=place not in seen,
                pipeline_id=it.pipeline_id,
                workflow_id=it.workflow_id,
                job_id=it.job_id,
                job_number=it.job_number,
                last_deployed_at=millis(it.deployed_at),
            )
        )
        seen.add(place)
    return shown
