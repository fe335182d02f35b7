"""The streams that pages listen to."""

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.ids import ExecutionId, is_uuid
from roundel.domain.projects import Organization, Project
from roundel.web import subjects
from roundel.web.page import AnyPage, Found, Page, Path, Visit
from roundel.web.ports import WebApp
from roundel.web.stream import StillMay, stream_response
from roundel.web.subjects import PipelineHere


async def _execution(app: WebApp, path: Path) -> Found[ExecutionId] | None:
    text = path["execution"]
    if not is_uuid(text):
        return None
    execution = ExecutionId(text.lower())
    owner = await app.reads.execution_owner(execution)
    return None if owner is None else Found(owner, execution)


async def all_changes(visit: Visit[None]) -> Response:
    projects = [it.id for it in await visit.app.reads.projects(visit.actor)]
    return stream_response(visit.hall.streams.changes(projects, _still_may(visit)))


async def organization_changes(visit: Visit[Organization]) -> Response:
    own = await visit.app.reads.projects(visit.actor)
    projects = [it.id for it in own if it.organization.id == visit.subject.id]
    return stream_response(visit.hall.streams.changes(projects, _still_may(visit)))


async def project_changes(visit: Visit[Project]) -> Response:
    return stream_response(visit.hall.streams.changes([visit.subject.id], _still_may(visit)))


async def pipeline_changes(visit: Visit[PipelineHere]) -> Response:
    pipeline, last = visit.subject.view.pipeline, _last_id(visit)
    return stream_response(visit.hall.streams.pipeline(pipeline, last, _still_may(visit)))


async def output(visit: Visit[ExecutionId]) -> Response:
    last = _last_id(visit)
    return stream_response(visit.hall.streams.output(visit.subject, last, _still_may(visit)))


def _last_id(visit: Visit[PipelineHere] | Visit[ExecutionId]) -> str:
    """Return what the browser has: by itself when it comes back, at first as the page says."""
    return visit.headers.get("last-event-id") or visit.query.get("at", "")


def _still_may(
    visit: Visit[None]
    | Visit[Organization]
    | Visit[Project]
    | Visit[PipelineHere]
    | Visit[ExecutionId],
) -> StillMay:
    """Return a check for as long as the stream is open: sessions end, and roles are taken away."""
    before = visit.actor

    async def check() -> bool:
        if visit.session is None:
            return False
        visitor = await visit.app.sessions.visitor(visit.session.digest)
        return visitor is not None and visitor.actor == before

    return check


PAGES: list[AnyPage] = [
    Page(method="GET", path="/stream/changes", need=Need.SIGNED_IN, handler=all_changes),
    Page(
        method="GET",
        path="/stream/changes/{vcs}/{organization}",
        need=Need.READ,
        handler=organization_changes,
        subject=subjects.organization,
    ),
    Page(
        method="GET",
        path="/stream/changes/{vcs}/{organization}/{project}",
        need=Need.READ,
        handler=project_changes,
        subject=subjects.project,
    ),
    Page(
        method="GET",
        path="/stream/pipeline/{pipeline}",
        need=Need.READ,
        handler=pipeline_changes,
        subject=subjects.pipeline_by_id,
    ),
    Page(
        method="GET",
        path="/stream/output/{execution}",
        need=Need.READ,
        handler=output,
        subject=_execution,
    ),
]
