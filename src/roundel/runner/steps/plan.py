"""From a step of the plan to what the sandbox runs."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import field
from typing import Any, TypeAlias

from roundel.domain.plan import Json, StepPlan
from roundel.domain.records import dataclass

NO_OUTPUT_SECONDS = 600.0


Say: TypeAlias = Callable[[str], None]
"""Adds a text of ours to a step's output."""

Beside: TypeAlias = Callable[[int, Say], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A step as a process.

    `prepare` is done on the runner's side before it starts, `beside` while it runs; `beside` has
    to end the process, and is cancelled when that ends by itself.
    """

    script: str
    argv: tuple[str, ...] | None
    cwd: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    background: bool = False
    no_output_seconds: float = NO_OUTPUT_SECONDS
    reruns: int = 0
    rerun_delay_seconds: float = 0.0
    command: str | None = None  # as shown by the API
    prepare: Callable[[int], Awaitable[None]] | None = None
    beside: Beside | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A step that cannot run; the sentence goes into its output."""

    why: str


class StepFailed(Exception):
    """The runner's own part of a step failed; `str()` is for the step's output."""


class SurroundingsFailed(StepFailed):
    """It failed for what neither the job nor its config can help."""


def text_of(step: StepPlan, key: str) -> str | None:
    """Return a text argument, None where it is absent."""
    value = step.args.get(key)
    return None if value is None else as_text(value)


def as_text(value: Json) -> str:
    """Return a scalar as it reaches a process: true is `true`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def texts_of(value: Json) -> dict[str, str]:
    """Return a map of environment values; null is left out."""
    if not isinstance(value, dict):
        return {}
    return {name: as_text(item) for name, item in value.items() if item is not None}
