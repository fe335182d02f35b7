"""Badges for a README: how the newest pipeline of a branch, or a workflow of it, stands.

A badge is an image that another site's page fetches without a session.  So it is given only with
a token of its own for the project, which can do nothing else, or to whoever is signed in.
"""

import hashlib
import hmac

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.ids import ProjectId
from roundel.domain.page_views import Standing
from roundel.domain.projects import Project
from roundel.web import subjects
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.rooms import rooms_of
from roundel.web.statuses import tone_of

WORDS = {
    Standing.SUCCESS: "passing",
    Standing.FAILED: "failing",
    Standing.ERRORED: "config error",
    Standing.RUNNING: "running",
    Standing.ON_HOLD: "on hold",
    Standing.CANCELED: "canceled",
    Standing.NOT_RUN: "not run",
}
_INK = {"ok": "#1a7f37", "bad": "#cf222e", "run": "#0550ae", "hold": "#6639ba", "off": "#57606a"}
_CHARACTER = 6.6  # the width of a letter at this size, in a usual font
_HEADERS = {
    "cache-control": "no-cache, max-age=0",  # caches of images on other sites ask each time
    "cross-origin-resource-policy": "cross-origin",  # it is made to stand in other sites' pages
    "content-security-policy": "default-src 'none'; style-src 'none'; frame-ancestors 'none'",
}


def badge_token(key: bytes, project: ProjectId) -> str:
    """Return what opens a project's badges and nothing else."""
    return hmac.new(key, b"badge\0" + project.encode(), hashlib.sha256).hexdigest()[:32]


async def badge(visit: Visit[None]) -> Response:
    """One image; one that may not be seen looks like one of a project that never ran."""
    project = await project_of_token(visit)
    branch = visit.path.get("branch") or (project.default_branch if project else "")
    workflow = visit.query.get("workflow") or None
    standing = None
    if project is not None:
        standing = await visit.app.pages.newest_status(project.id, branch, workflow)
    label = workflow or "roundel"
    word = "unknown" if standing is None else WORDS[standing]
    ink = _INK.get("off" if standing is None else tone_of(standing), _INK["off"])
    left, right = (round(len(text) * _CHARACTER + 12) for text in (label, word))
    response = visit.hall.renderer.text(
        "badge.svg", "image/svg+xml", label=label, word=word, ink=ink, left=left, right=right
    )
    response.headers.update(_HEADERS)
    return response


async def project_of_token(visit: Visit[None]) -> Project | None:
    """Return the project of the path, if the token or the session may see it."""
    found = await subjects.project(visit.app, visit.path)
    if found is None or found.thing is None:
        return None
    if visit.visitor is not None and visit.visitor.may(Need.READ, found.organization):
        return found.thing
    expected = badge_token(visit.hall.settings.signing_key, found.thing.id)
    given = visit.query.get("token", "").encode("utf-8", "replace")
    return found.thing if hmac.compare_digest(expected.encode(), given) else None


async def about(visit: Visit[Project]) -> Response:
    """How to put a badge into a README, and where the feed of failures is."""
    project = visit.subject
    return visit.page(
        "badges.html",
        rooms=await rooms_of(visit, project=project),
        project=project,
        origin=visit.origin,
        secret=badge_token(visit.hall.settings.signing_key, project.id),
    )


_PATH = "/badge/{vcs}/{organization}/{project}"
PAGES: list[AnyPage] = [
    # The token is the right; a session counts as well.
    Page(method="GET", path=_PATH + ".svg", need=Need.NOTHING, handler=badge),
    Page(method="GET", path=_PATH + "/tree/{branch:path}.svg", need=Need.NOTHING, handler=badge),
    Page(
        method="GET",
        path="/pipelines/{vcs}/{organization}/{project}/badges",
        need=Need.READ,
        handler=about,
        subject=subjects.project,
    ),
]
