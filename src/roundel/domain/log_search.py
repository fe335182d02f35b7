"""Searching in the output of a project's steps: what is looked through, and what is found."""

import re
from collections.abc import Sequence
from typing import Protocol, Self

from roundel.domain.errors import Invalid
from roundel.domain.ids import ExecutionId, JobId, PipelineId, ProjectId, WorkflowId
from roundel.domain.records import dataclass

_PLACE = re.compile(r"\d{1,18}(?:\.\d{1,18}){4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SearchPlace:
    """Where a search goes on: jobs are looked at newest first, each output from its top.

    `offset` is the byte at which line number `line`, counted from 0, begins.
    """

    job: int
    node: int = 0
    step: int = 0
    offset: int = 0
    line: int = 0

    @property
    def text(self) -> str:
        """Return what `read` takes."""
        return f"{self.job}.{self.node}.{self.step}.{self.offset}.{self.line}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the place in a text, None in an empty one; refuse what is none of ours."""
        if not text:
            return None
        if _PLACE.fullmatch(text) is None:
            raise Invalid("This is no place where a search ended; begin the search again.")
        return cls(*map(int, text.split(".")))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutput:
    """The output of one step, in the newest attempt of its node, and whose it is.

    `sealed` names the object that has it whole, None as long as it is in pieces.
    """

    execution_id: ExecutionId
    node: int
    step: int
    step_name: str
    size: int
    sealed: str | None
    job_id: JobId
    job_name: str
    job_number: int
    workflow_id: WorkflowId
    workflow_name: str
    pipeline_id: PipelineId
    pipeline_number: int

    @property
    def place(self) -> SearchPlace:
        """Return where it begins."""
        return SearchPlace(self.job_number, self.node, self.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLine:
    """A line with a match; `line` counts from 0.

    `text` is what surrounds the match, without colours: the whole line unless that is long.  The
    match is its characters from `start` to `end`.
    """

    output: StepOutput
    line: int
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputsPage:
    """Outputs in the order of a search; `following` is where the next page begins."""

    outputs: Sequence[StepOutput]
    following: SearchPlace | None


class SearchedOutputs(Protocol):
    """The outputs of projects, for a search.  What was removed meanwhile reads as empty."""

    async def page(self, project_id: ProjectId, at: SearchPlace | None) -> OutputsPage:
        """Return the next outputs that are not empty, from a place on, the newest job's first."""

    async def whole(self, outputs: Sequence[StepOutput]) -> Sequence[bytes]:
        """Return the bytes of each; the caller sees to it that they are few."""

    async def span(self, output: StepOutput, start: int, end: int) -> bytes:
        """Return an output's bytes in `[start, end)`."""
