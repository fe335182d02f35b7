"""Lines of one step's output for the log viewer, and what is found in them."""

import msgspec
from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.errors import Invalid
from roundel.domain.line_index import EVERY_LINES
from roundel.web import subjects
from roundel.web.lines import (
    ERROR,
    MOST_FOUND,
    find_lines,
    lines_of_step,
    pattern_of,
)
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.pages.jobs import JOB_PATH, step_asked_for
from roundel.web.subjects import JobHere

LONGEST_NEEDLE = 200


async def lines(visit: Visit[JobHere]) -> Response:
    """Lines from number `from` on, counted from 0."""
    node, report, _ = step_asked_for(visit)
    first = visit.query.get("from", "0")
    if not (first.isascii() and first.isdigit() and len(first) < 13):
        raise Invalid("`from` is the number of a line, counted from 0.")
    logs, step = visit.app.logs, report.index
    index = await visit.hall.line_indexes.of(logs, node.execution_id, step)
    return _json(await lines_of_step(logs, node.execution_id, step, index, int(first), EVERY_LINES))


async def find(visit: Visit[JobHere]) -> Response:
    """The lines that have the text `q`; without it the first that tells of an error."""
    node, report, _ = step_asked_for(visit)
    text = visit.query.get("q", "")
    if len(text) > LONGEST_NEEDLE:
        raise Invalid(f"Search for at most {LONGEST_NEEDLE} characters.")
    pattern, most = (pattern_of(text), MOST_FOUND) if text else (ERROR, 1)
    found = await find_lines(visit.app.logs, node.execution_id, report.index, pattern, most)
    return _json({"found": found, "more": bool(text) and len(found) == most})


def _json(value: object) -> Response:
    headers = {"cache-control": "private, no-store", "x-content-type-options": "nosniff"}
    return Response(msgspec.json.encode(value), media_type="application/json", headers=headers)


_STEP = JOB_PATH + "/output/{node:int}/{step:int}"

PAGES: list[AnyPage] = [
    Page(method="GET", path=_STEP + "/lines", need=Need.READ, handler=lines, subject=subjects.job),
    Page(method="GET", path=_STEP + "/find", need=Need.READ, handler=find, subject=subjects.job),
]
