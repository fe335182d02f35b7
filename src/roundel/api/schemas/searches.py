"""Lines that a search in output has found."""

import msgspec

from roundel.api.schemas.common import Uuid, job_page
from roundel.domain.log_search import FoundLine
from roundel.domain.projects import Slug


class Match(msgspec.Struct):
    """Which characters of the text were looked for, from `start` up to `end`."""

    start: int
    end: int


class LineFound(msgspec.Struct):
    """`line` counts from 1, as the log viewer does; `text` is long lines' part with the match."""

    pipeline_id: Uuid
    pipeline_number: int
    workflow_id: Uuid
    workflow_name: str
    job_id: Uuid
    job_number: int
    job_name: str
    node: int
    step: int
    step_name: str
    line: int
    text: str
    match: Match
    web_url: str


def line_found(found: FoundLine, slug: Slug, origin: str) -> LineFound:
    it = found.output
    page = job_page(origin, slug, it.pipeline_number, it.workflow_id, it.job_number)
    return LineFound(
        pipeline_id=it.pipeline_id,
        pipeline_number=it.pipeline_number,
        workflow_id=it.workflow_id,
        workflow_name=it.workflow_name,
        job_id=it.job_id,
        job_number=it.job_number,
        job_name=it.job_name,
        node=it.node,
        step=it.step,
        step_name=it.step_name,
        line=found.line + 1,
        text=found.text,
        match=Match(found.start, found.end),
        web_url=f"{page}?node={it.node}&step={it.step}#step-{it.step}-{found.line + 1}",
    )
