"""A job: its nodes, their steps and output, what it left behind, why it waits."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response, StreamingResponse

from roundel.domain.access import Need
from roundel.domain.artifacts import presentation
from roundel.domain.blobs import Blobs
from roundel.domain.clock import Micros
from roundel.domain.errors import NotFound
from roundel.domain.insights import FLAKY_FOR
from roundel.domain.jobs import ENDED, EXECUTION_ENDED, ExecutionStatus, JobStatus
from roundel.domain.keeping import object_name
from roundel.domain.page_views import TestName, TestPast
from roundel.domain.records import dataclass
from roundel.domain.runners import StepReport, StepStatus
from roundel.domain.views import ArtifactView, NodeView, TestView
from roundel.services.live_output import position_of
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.outputs import Tail, tail_of
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.pages.pipelines import NOT_YOURS
from roundel.web.resource_charts import ResourceUse, resource_use
from roundel.web.rooms import rooms_of
from roundel.web.subjects import JobHere

MOST_TESTS = 500
MOST_PASTS = 50  # tests that failed of which the past is shown
MOST_ARTIFACTS = 200
PIECE_BYTES = 1024 * 1024
_FAILED = frozenset({StepStatus.FAILED, StepStatus.TIMEDOUT, StepStatus.INFRASTRUCTURE_FAIL})
_BROKEN = ("failure", "error")
_RESULT_ORDER = {"failure": 0, "error": 0, "skipped": 2, "success": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepShown:
    """A step with the end of its output, where it is open."""

    report: StepReport
    size: int
    tail: Tail | None


async def job(visit: Visit[JobHere]) -> Response:
    here = visit.subject
    view = here.view
    node = _node(view.nodes, visit.query.get("node", ""))
    steps = [] if node is None else await _steps(visit, node)
    tests = await visit.app.reads.tests(view.job.id, limit=MOST_TESTS)
    artifacts = await visit.app.reads.artifacts(view.job.id, limit=MOST_ARTIFACTS)
    waits = None
    if view.job.status not in ENDED and view.job.status is not JobStatus.RUNNING:
        waits = await visit.app.reads.why(view.job.id)
    live = node is not None and node.status not in EXECUTION_ENDED
    stream = None
    if live and node is not None:
        reports = {it.report.index: it.report for it in steps}
        offsets = {it.report.index: it.tail.end for it in steps if it.tail is not None}
        stream = f"/stream/output/{node.execution_id}?at={position_of(reports, offsets)}"
    return visit.page(
        "job.html",
        rooms=await rooms_of(visit, project=here.project),
        here=here,
        job=view.job,
        node=node,
        steps=steps,
        used=None if node is None else await _used(visit, node),
        tests=sorted(tests, key=_worst_first),
        pasts=await _pasts(visit, tests),
        artifacts=artifacts,
        waits=waits,
        stream=stream,
        changes=None if view.job.status in ENDED else f"/stream/pipeline/{view.pipeline.id}",
        why_no_cancel=_why_no_cancel(visit),
        shell=visit.hall.settings.shells
        and node is not None
        and node.status is ExecutionStatus.RUNNING,
        why_no_shell=None if _may_write(visit) else NOT_YOURS,
        base=address_of.job(
            here.project, view.pipeline.number, view.workflow.id, view.job.number or 0
        ),
    )


def _node(nodes: Sequence[NodeView], wanted: str) -> NodeView | None:
    """Return the node that is asked for; else the first that failed, else the first."""
    for node in nodes:
        if str(node.node) == wanted:
            return node
    failed = (it for it in nodes if it.status in EXECUTION_ENDED and it.status != "success")
    return next(failed, nodes[0] if nodes else None)


async def _steps(visit: Visit[JobHere], node: NodeView) -> list[StepShown]:
    """Return the steps; those that failed or run are open, and the one that is asked for."""
    wanted = visit.query.get("step", "")

    async def shown(report: StepReport, size: int) -> StepShown:
        is_open = report.status in _FAILED or report.status is StepStatus.RUNNING
        if not (is_open or str(report.index) == wanted):
            return StepShown(report=report, size=size, tail=None)
        tail = await tail_of(visit.app.logs, node.execution_id, report, size)
        return StepShown(report=report, size=size, tail=tail)

    return list(await asyncio.gather(*(shown(report, size) for report, size in node.steps)))


async def _used(visit: Visit[JobHere], node: NodeView) -> ResourceUse | None:
    if node.started_at is None:
        return None
    samples = await visit.app.pages.resource_use(node.execution_id)
    return resource_use(samples, node.started_at)


async def _pasts(visit: Visit[JobHere], tests: Sequence[TestView]) -> Mapping[TestName, TestPast]:
    """Return what is known from before of the tests that failed."""
    failed = [it.test for it in tests if it.test.result in _BROKEN]
    names = list(dict.fromkeys((it.classname, it.name) for it in failed))[:MOST_PASTS]
    since = Micros(visit.app.clock.now() - FLAKY_FOR)
    return await visit.app.pages.test_pasts(visit.subject.view.job, names, since) if names else {}


def _worst_first(view: TestView) -> tuple[int, int]:
    return _RESULT_ORDER.get(view.test.result, 1), view.number


def _may_write(visit: Visit[JobHere]) -> bool:
    return visit.actor.may(Need.WRITE, visit.subject.project.organization.id)


def _why_no_cancel(visit: Visit[JobHere]) -> str | None:
    here = visit.subject
    if not _may_write(visit):
        return NOT_YOURS
    return f"It has ended: {here.view.job.status}." if here.view.job.status in ENDED else None


async def cancel(visit: Visit[JobHere]) -> Response:
    view = visit.subject.view
    await visit.hall.use_cases.cancel_job(view.job.id, visit.actor)
    path = address_of.job(
        visit.subject.project, view.pipeline.number, view.workflow.id, view.job.number or 0
    )
    return RedirectResponse(path, status_code=303)


async def tail(visit: Visit[JobHere]) -> Response:
    """The end of one step's output as a part of a page, for a step that is opened later."""
    node, report, size = step_asked_for(visit)
    shown = await tail_of(visit.app.logs, node.execution_id, report, size)
    return visit.page(
        "output.html",
        step=StepShown(report=report, size=size, tail=shown),
        raw=visit.target.removesuffix("/tail"),
    )


async def raw(visit: Visit[JobHere]) -> Response:
    """One step's whole output as text."""
    node, report, _ = step_asked_for(visit)
    name = quote(f"{visit.subject.view.job.name}-{node.node}-{report.index}.txt")
    how = "attachment" if visit.query.get("download") == "1" else "inline"

    async def pieces() -> AsyncIterator[bytes]:
        async for piece in visit.app.logs.read(node.execution_id, report.index):
            yield piece.data

    headers = {
        "cache-control": "private, no-store",
        "content-disposition": f"{how}; filename*=UTF-8''{name}",
    }
    return StreamingResponse(pieces(), media_type="text/plain; charset=utf-8", headers=headers)


def step_asked_for(visit: Visit[JobHere]) -> tuple[NodeView, StepReport, int]:
    """Return the step that the path names, with its size in bytes; raise NotFound."""
    for node in visit.subject.view.nodes:
        if node.node == visit.path["node"]:
            for report, size in node.steps:
                if report.index == visit.path["step"]:
                    return node, report, size
    raise NotFound("There is no such step.")


async def artifact(visit: Visit[JobHere]) -> Response:
    """One artifact's bytes, with headers that keep a browser from taking it for a page of ours."""
    path: str = visit.path["path"]
    view = await visit.app.reads.artifact(visit.subject.view.job.id, visit.path["node"], path)
    if view is None or await visit.app.blobs.size(object_name(view.blob)) != view.size:
        raise NotFound("There is no such artifact; perhaps its time is over.")
    shown = presentation(path)
    how = "inline" if shown.inline else "attachment"
    headers = {
        "content-type": shown.content_type,
        "content-length": str(view.size),
        "content-disposition": f"{how}; filename*=UTF-8''{quote(path.rpartition('/')[2])}",
        "content-security-policy": shown.policy,
        "cache-control": "private, no-store",
    }
    return StreamingResponse(_pieces(visit.app.blobs, view), headers=headers)


async def _pieces(blobs: Blobs, view: ArtifactView) -> AsyncIterator[bytes]:
    name = object_name(view.blob)
    for at in range(0, view.size, PIECE_BYTES):
        yield await blobs.get(name, start=at, end=min(at + PIECE_BYTES, view.size))


JOB_PATH = (
    "/pipelines/{vcs}/{organization}/{project}/{number:int}/workflows/{workflow}/jobs/{job:int}"
)

PAGES: list[AnyPage] = [
    Page(method="GET", path=JOB_PATH, need=Need.READ, handler=job, subject=subjects.job),
    Page(
        method="POST",
        path=JOB_PATH,
        need=Need.WRITE,
        handler=cancel,
        subject=subjects.job,
        deed="cancelJobByJobNumber",
    ),
    Page(
        method="GET",
        path=JOB_PATH + "/output/{node:int}/{step:int}",
        need=Need.READ,
        handler=raw,
        subject=subjects.job,
    ),
    Page(
        method="GET",
        path=JOB_PATH + "/output/{node:int}/{step:int}/tail",
        need=Need.READ,
        handler=tail,
        subject=subjects.job,
    ),
    Page(
        method="GET",
        path=JOB_PATH + "/artifacts/{node:int}/{path:path}",
        need=Need.READ,
        handler=artifact,
        subject=subjects.job,
    ),
]
