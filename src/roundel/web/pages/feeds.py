"""An Atom feed of a project's failures, for readers that bring a token."""

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.clock import Micros
from roundel.domain.errors import NotFound
from roundel.domain.projects import Project
from roundel.web.addresses import address_of
from roundel.web.page import NOTHING_HERE, AnyPage, Page, Visit
from roundel.web.pages.badges import project_of_token

MOST_FAILURES = 30


async def failures(visit: Visit[None]) -> Response:
    """The feed; readers have no session, so the token in its address is the right."""
    project: Project | None = await project_of_token(visit)
    if project is None:
        raise NotFound(NOTHING_HERE)
    found = await visit.app.pages.failures(project.id, limit=MOST_FAILURES)
    newest = found[0].workflow.stopped_at if found else None
    response = visit.hall.renderer.text(
        "failures.atom",
        "application/atom+xml",
        project=project,
        failures=found,
        origin=visit.origin,
        updated=newest or Micros(project.created_at),
        address=address_of,
    )
    response.headers["cache-control"] = "private, no-cache"
    return response


PAGES: list[AnyPage] = [
    Page(
        method="GET",
        path="/feed/{vcs}/{organization}/{project}/failures.atom",
        need=Need.NOTHING,  # the token is the right; a session counts as well
        handler=failures,
    ),
]
