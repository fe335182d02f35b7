"""Why a job waits, on the wire."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from roundel.api.schemas.common import Time, Uuid, millis
from roundel.api.schemas.workflows import JobState
from roundel.domain.waiting import Before, Waiting


class BeforeShown(msgspec.Struct):
    id: Uuid
    name: str
    status: JobState
    project_slug: str
    job_number: int | UnsetType = UNSET


class WhyShown(msgspec.Struct):
    """`message` says it all in a sentence; the rest is there where it applies."""

    id: Uuid
    name: str
    status: JobState
    waits_for: Literal[
        "nothing",
        "requirement",
        "approval",
        "serial-group",
        "lock",
        "limit",
        "slot",
        "runner",
    ]
    message: str
    jobs: list[BeforeShown]
    resource_class: str | None
    position: int | UnsetType = UNSET
    expected_start: Time | UnsetType = UNSET
    resource_classes: list[str] | UnsetType = UNSET


def why_shown(waiting: Waiting) -> WhyShown:
    expected = waiting.expected_start
    return WhyShown(
        id=waiting.job_id,
        name=waiting.name,
        status=waiting.status.value,
        waits_for=waiting.cause.value,
        message=waiting.sentence,
        jobs=[_before(it) for it in waiting.before],
        resource_class=waiting.resource_class,
        position=UNSET if waiting.position is None else waiting.position,
        expected_start=UNSET if expected is None else millis(expected),
        resource_classes=list(waiting.classes) or UNSET,
    )


def _before(job: Before) -> BeforeShown:
    number = UNSET if job.number is None else job.number
    return BeforeShown(job.id, job.name, job.status.value, job.project_slug, number)
