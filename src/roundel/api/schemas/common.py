"""Shapes and spellings that all nouns share."""

from functools import lru_cache
from typing import Annotated, Generic, TypeVar

import msgspec

from roundel.domain.clock import MILLISECOND, SECOND, Micros, rfc3339_seconds
from roundel.domain.projects import LONG_FORM, Slug

T = TypeVar("T")

Uuid = Annotated[str, msgspec.Meta(extra_json_schema={"format": "uuid"})]
Time = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]

NOBODY = "00000000-0000-0000-0000-000000000000"  # where an id must be and nobody acted


class Message(msgspec.Struct):
    message: str


ACCEPTED = Message("Accepted.")


class Page(msgspec.Struct, Generic[T]):
    """A page of a list; the token is present, and null at the end."""

    items: list[T]
    next_page_token: str | None


@lru_cache(maxsize=4096)
def _to_the_second(second: int) -> str:
    return rfc3339_seconds(Micros(second * SECOND))[:-1]


def millis(at: Micros) -> str:
    """Return the form of most API objects.  Rows of a list share many seconds."""
    return f"{_to_the_second(at // SECOND)}.{at // MILLISECOND % 1000:03d}Z"


def seconds(at: Micros) -> str:
    """Return the form of workflows and their jobs."""
    return f"{_to_the_second(at // SECOND)}Z"


def millis_or_none(at: Micros | None) -> str | None:
    return None if at is None else millis(at)


def seconds_or_none(at: Micros | None) -> str | None:
    return None if at is None else seconds(at)


def job_page(origin: str, slug: Slug, pipeline: int, workflow: str, job: int) -> str:
    """Return the address of a job's page, in the form of CircleCI's web application."""
    return (
        f"{origin}/pipelines/{LONG_FORM[slug.vcs]}/{slug.organization}/{slug.project}"
        f"/{pipeline}/workflows/{workflow}/jobs/{job}"
    )
