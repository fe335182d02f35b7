"""Compiling configs: the port, and what goes in and comes out."""

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from roundel.domain.orbs import OrbLock
from roundel.domain.pipelines import PipelineError
from roundel.domain.plan import Json
from roundel.domain.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OrbFound:
    """An orb's text at an exact version."""

    reference: str
    text: str
    digest: str


@dataclass(frozen=True, slots=True)
class OrbMissing:
    """There is no such orb."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrbUnusable:
    """The orb may not or cannot be used; the message says why."""

    message: str


class OrbLookup(Protocol):
    """Answers what the references of one config mean."""

    async def find(self, reference: str) -> OrbFound | OrbMissing | OrbUnusable: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileRequest:
    """A text with what surrounds it.  `values` are pipeline values by their dotted names.

    `process` is for people who want to see the result: that nothing runs is then an error, and
    the source follows the result.  `optional` has values of parameters that the config may
    declare and need not.  `scope` keeps results of different owners apart in caches.
    """

    text: str
    file: str
    parameters: Mapping[str, Json]
    values: Mapping[str, Json]
    process: bool = False
    orbs: OrbLookup | None = None
    scope: str = ""
    optional: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileOutcome:
    """What came of it: the compiled text and the plan as a JSON document, or errors.

    With errors, `plan` is None; the text may be there all the same, for people to look at.  Each
    error is one problem; its message may have several lines.
    """

    output: str = ""
    plan: str | None = None
    errors: tuple[PipelineError, ...] = ()
    orbs: tuple[OrbLock, ...] = ()


class Compiler(Protocol):
    """Where configs are compiled.  A user's mistake is in the outcome, never raised."""

    async def compile(self, request: CompileRequest) -> CompileOutcome: ...

    async def close(self) -> None:
        """End what was started for it; may be called twice."""
