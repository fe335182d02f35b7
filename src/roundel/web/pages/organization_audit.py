"""The audit log of an organization, for its administrators."""

from urllib.parse import urlencode

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.audit import AuditFilter
from roundel.domain.projects import Organization
from roundel.web import subjects
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.settings_pages import HIGHEST_DIGITS, show

PAGE_SIZE = 50
LONGEST = 200  # letters of a filter


async def audit(visit: Visit[Organization]) -> Response:
    """What was changed, newest first, a page at a time below the number that the last one shows."""
    wanted = AuditFilter(
        actor=visit.query.get("actor", "").strip()[:LONGEST],
        text=visit.query.get("text", "").strip()[:LONGEST],
    )
    text = visit.query.get("before", "")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < HIGHEST_DIGITS else None
    page = await visit.app.audit.searched(visit.subject.id, wanted, before=before, limit=PAGE_SIZE)
    kept = {"actor": wanted.actor, "text": wanted.text, "before": str(page.before or "")}
    return await show(
        visit,
        visit.subject,
        "organization_audit.html",
        problem="",
        status=200,
        entries=page.entries,
        wanted=wanted,
        first=before is None,
        older="?" + urlencode({k: v for k, v in kept.items() if v}) if page.before else "",
    )


PAGES: list[AnyPage] = [
    Page(
        method="GET",
        path="/settings/organization/{vcs}/{organization}/audit",
        need=Need.ADMINISTER,
        handler=audit,
        subject=subjects.organization,
    ),
]
