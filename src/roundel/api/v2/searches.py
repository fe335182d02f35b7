"""Search in the output of a project's jobs."""

from roundel.api.binding import whole_number
from roundel.api.operations import PAGE_TOKEN, AnyOperation, Call, Operation, Query
from roundel.api.paging import PAGE_SIZE
from roundel.api.schemas.common import Page
from roundel.api.schemas.searches import LineFound, line_found
from roundel.api.subjects import PROJECT
from roundel.domain.access import Need
from roundel.domain.log_search import SearchPlace
from roundel.domain.projects import Project


async def search(call: Call[Project, None]) -> Page[LineFound]:
    """Lines of the newest jobs first; a page may be short, or empty, and be followed by another."""
    found = await call.app.log_search.find(
        call.subject.id,
        call.query.get("q", ""),
        at=SearchPlace.read(call.query.get("page-token", "")),
        most=PAGE_SIZE,
        most_in_step=whole_number(call.query, "lines-per-step", 0, PAGE_SIZE) or None,
    )
    slug = call.subject.slug
    return Page(
        [line_found(line, slug, call.origin) for line in found.lines],
        None if found.following is None else found.following.text,
    )


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/project/{project-slug}/search",
        id="searchLogs",
        summary="Search in the output of a project's jobs, newest first, a part of it at a time",
        tag="Project",
        need=Need.READ,
        subject=PROJECT,
        handler=search,
        answer=Page[LineFound],
        query=(
            Query(name="q", summary="A part of a line, in any case; 3 to 200 characters."),
            Query(
                name="lines-per-step",
                summary="At most so many lines of one step's output; all of them if left out.",
                type=int,
            ),
            PAGE_TOKEN,
        ),
        extension=True,
    ),
]
