"""Compiling configs: the port, and what goes in and comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from roundel.domain.pipelines import PipelineError
from roundel.domain.plan import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileRequest:
    """A text with what surrounds it.  `values` are pipeline values by their dotted names.

    `process` is for people who want to see the result: that nothing runs is then an error.
    `optional` has values of parameters that the config may declare and need not.
    """

    text: str
    file: str
    parameters: Mapping[str, Json]
    values: Mapping[str, Json]
    process: bool = False
    optional: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileOutcome:
    """What came of it: the compiled text and the plan as a JSON document, or errors.

    With errors, `plan` is None; the text may be there all the same, for people to look at.
    """

    output: str = ""
    plan: str | None = None
    errors: tuple[PipelineError, ...] = ()


class Compiler(Protocol):
    """Where configs are compiled.  A user's mistake is in the outcome, never raised."""

    async def compile(self, request: CompileRequest) -> CompileOutcome: ...

    async def close(self) -> None:
        """End what was started for it; may be called twice."""
