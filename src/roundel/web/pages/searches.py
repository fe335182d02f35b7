"""Search: projects and tests by name, pipelines by number, branch and commit."""

from collections.abc import Sequence

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.page_views import FoundTest
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.rooms import rooms_of

MOST_FOUND = 20
LONGEST = 200
SHORTEST_TEST = 3  # letters; less is in every second name


async def search(visit: Visit[None]) -> Response:
    text = visit.query.get("q", "").strip()[:LONGEST]
    rooms = await rooms_of(visit)
    lower = text.lower()
    projects = [it for it in rooms.projects if lower in str(it.slug).lower()] if text else []
    ids = [it.id for it in rooms.projects]
    pipelines = await visit.app.pages.search(ids, text, limit=MOST_FOUND) if text and ids else ()
    tests: Sequence[FoundTest] = ()
    if len(text) >= SHORTEST_TEST and ids:
        tests = await visit.app.pages.find_tests(ids, text, limit=MOST_FOUND)
    return visit.page(
        "search.html",
        rooms=rooms,
        text=text,
        projects=projects[:MOST_FOUND],
        pipelines=pipelines,
        tests=tests,
    )


PAGES: list[AnyPage] = [
    Page(method="GET", path="/search", need=Need.SIGNED_IN, handler=search),
]
