"""What an organization's jobs used: by project, and as exports with one line a job."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from roundel.domain.access import Need
from roundel.domain.blobs import Blobs
from roundel.domain.clock import DAY, SECOND, Micros, rfc3339_seconds
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.ids import OrganizationId
from roundel.domain.insights import ALL, DAYS, WHOLE, Figures, Grain, Window, start_of, together
from roundel.domain.projects import Organization, Project
from roundel.domain.usage import KEPT_FOR, UsageExport
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.forms import Fields
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.refusals import refused_on
from roundel.web.settings_pages import done, show

WINDOWS = {
    Window.WEEK: "7 days",
    Window.MONTH: "30 days",
    Window.TWO_MONTHS: "60 days",
    Window.QUARTER: "90 days",
}
# What refusals begin with; the field that is meant, and how the form calls it.
_FIELDS: Fields = {
    "First day:": ("start", ""),
    "Last day:": ("end", ""),
    "end: it is before start": ("end", "Last day: it is before the first one"),
    "end: it must be no more than 31 days after start": (
        "end",
        "Last day: at most 31 days may be asked for at once",
    ),
    "start:": ("start", "First day:"),
}
MOST_EXPORTS = 30
PIECE_BYTES = 1024 * 1024
GONE = "The file of this export is not there; ask for a new one."


async def usage(visit: Visit[Organization], *, problem: str = "", status: int = 200) -> Response:
    organization, now = visit.subject, visit.app.clock.now()
    window = _window(visit)
    rows = await _by_project(visit, window)
    return await show(
        visit,
        organization,
        "organization_usage.html",
        problem=problem,
        status=status,
        windows=WINDOWS,
        window=window,
        rows=rows,
        whole_figures=together(figures for _, figures in rows),
        exports=await visit.app.usage.exports(organization.id, MOST_EXPORTS),
        start=rfc3339_seconds(Micros(now - 30 * DAY))[:10],
        end=rfc3339_seconds(now)[:10],
        kept_days=KEPT_FOR // DAY,
    )


async def _by_project(
    visit: Visit[Organization], window: Window
) -> Sequence[tuple[Project, Figures]]:
    own = await visit.app.usage.projects([OrganizationId(visit.subject.id)])
    today = start_of(Grain.DAY, visit.app.clock.now())
    rollups = await visit.app.insights.rollups(
        [project.id for project in own],
        Grain.DAY,
        Micros(today - (DAYS[window] - 1) * DAY),
        workflow=WHOLE,
        branch=ALL,
    )
    found = [
        (project, together(it.figures for it in rollups if it.project_id == project.id))
        for project in own
    ]
    return sorted((it for it in found if it[1].runs), key=lambda it: -it[1].credits)


def _window(visit: Visit[Organization]) -> Window:
    text = visit.query.get("window", Window.MONTH.value)
    if text not in WINDOWS:
        raise Invalid(f"window: there is no {text[:40]!r}")
    return Window(text)


@refused_on(usage, _FIELDS)
async def order(visit: Visit[Organization]) -> Response:
    """Take an order for an export of whole days; its file is written behind the answer."""
    start, end = _day("First day", visit.field("start")), _day("Last day", visit.field("end"))
    last = Micros(end + DAY - SECOND)  # the last day is meant whole
    await visit.hall.use_cases.ask_for_export(visit.subject.id, (), start, last)
    return done(f"{address_of.settings(visit.subject)}/usage", "ordered")


def _day(word: str, text: str) -> Micros:
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise Invalid(f"{word}: expected a day such as 2026-01-31, got {text[:40]!r}") from error
    return Micros(int(day.timestamp()) * SECOND)


async def contents(visit: Visit[UsageExport]) -> Response:
    """Send an export's file."""
    export, blobs = visit.subject, visit.app.blobs
    if export.size is None or await blobs.size(export.blob) != export.size:
        raise NotFound(GONE)
    return StreamingResponse(
        _pieces(blobs, export.blob, export.size),
        headers={
            "content-type": "application/gzip",
            "content-length": str(export.size),
            "content-disposition": f"attachment; filename={quote(f'usage-{export.id}.csv.gz')}",
            "cache-control": "private, no-store",
        },
    )


async def _pieces(blobs: Blobs, name: str, size: int) -> AsyncIterator[bytes]:
    for at in range(0, size, PIECE_BYTES):
        yield await blobs.get(name, start=at, end=min(at + PIECE_BYTES, size))


_ROOT = "/settings/organization/{vcs}/{organization}/usage"

PAGES: list[AnyPage] = [
    Page(method="GET", path=_ROOT, need=Need.READ, handler=usage, subject=subjects.organization),
    Page(
        method="POST",
        path=_ROOT,
        need=Need.WRITE,
        handler=order,
        subject=subjects.organization,
        deed="createUsageExport",
    ),
    Page(
        method="GET",
        path=_ROOT + "/{export}/usage.csv.gz",
        need=Need.READ,
        handler=contents,
        subject=subjects.usage_export,
    ),
]
