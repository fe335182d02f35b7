"""Search: projects and tests by name, pipelines by number, branch and commit, lines of logs."""

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.log_search import FoundLine, SearchPlace
from roundel.domain.page_views import FoundTest
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.rooms import rooms_of

MOST_FOUND = 20
LONGEST = 200
SHORTEST_PART = 3  # letters of a test or a line; less is in every second one
LINES_OF_STEP = 3  # that are shown; the rest is a click away
PROJECTS_IN = 20  # whose logs one search looks through


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsFound:
    """Lines of one project's logs; `further` is where older jobs are searched."""

    project: Project
    lines: Sequence[FoundLine]
    further: str | None


async def search(visit: Visit[None]) -> Response:
    text = visit.query.get("q", "").strip()[:LONGEST]
    only, near = visit.query.get("in", ""), visit.query.get("near", "")
    rooms = await rooms_of(visit)
    lower = text.lower()
    searched = [it for it in rooms.projects if not only or str(it.slug) == only]
    named = [it for it in rooms.projects if lower in str(it.slug).lower()] if text else []
    # Who goes on in the logs of one project has seen the rest.
    ids = [] if only else [it.id for it in rooms.projects]
    pipelines = await visit.app.pages.search(ids, text, limit=MOST_FOUND) if text and ids else ()
    tests: Sequence[FoundTest] = ()
    if len(text) >= SHORTEST_PART and ids:
        tests = await visit.app.pages.find_tests(ids, text, limit=MOST_FOUND)
    looked_through = _with_logs(visit, searched, near)
    return visit.page(
        "search.html",
        rooms=rooms,
        text=text,
        only=only,
        near=near,
        left_out=looked_through[PROJECTS_IN:],
        projects=[] if only else named[:MOST_FOUND],
        pipelines=pipelines,
        tests=tests,
        logs=await _in_logs(visit, looked_through[:PROJECTS_IN], text),
    )


def _with_logs(visit: Visit[None], projects: Sequence[Project], near: str) -> list[Project]:
    """Return those whose logs the visitor may read, first the one that they come from."""
    may_read = [it for it in projects if visit.actor.may(Need.READ, it.organization.id)]
    return sorted(may_read, key=lambda it: str(it.slug) != near)


async def _in_logs(
    visit: Visit[None], projects: Sequence[Project], text: str
) -> Sequence[LogsFound]:
    """Look through the newest output of each project, by turns, all of them as far as one might."""
    if len(text) < SHORTEST_PART or not text.isprintable():
        return []
    at = SearchPlace.read(visit.query.get("from", "")) if len(projects) == 1 else None
    logs: list[LogsFound] = []
    for project in projects:
        found = await visit.app.log_search.find(
            project.id,
            text,
            at=at,
            most=MOST_FOUND,
            most_in_step=LINES_OF_STEP,
            share=len(projects),
        )
        further = None
        if found.following is not None:
            query = {"q": text, "in": str(project.slug), "from": found.following.text}
            further = f"/search?{urlencode(query)}"
        if found.lines or further:
            logs.append(LogsFound(project=project, lines=found.lines, further=further))
    return logs


PAGES: list[AnyPage] = [
    Page(method="GET", path="/search", need=Need.SIGNED_IN, handler=search),
]
