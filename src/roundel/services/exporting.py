"""Exporting spans: an exporter's workflows one after the other, until its collector has them."""

import logging
from collections.abc import AsyncIterator, Sequence

from roundel.domain.clock import DAY, Micros
from roundel.domain.projects import LONG_FORM
from roundel.domain.spans import job_spans, pipeline_span, workflow_span
from roundel.domain.telemetry import Exporter, ExporterId, Span, WaitingExport
from roundel.domain.timers import TimerKind
from roundel.domain.views import PipelineView, WorkflowView
from roundel.domain.webhooks import retry_at
from roundel.domain.workflows import Workflow
from roundel.services.exporters import opened_headers
from roundel.services.work import App, Tx
from roundel.vault.cipher import CannotUnseal
from roundel.wire.otlp import NotExported, address_of, encoded, send

KEPT_FOR = DAY  # what a collector has not taken for so long is not offered again
AT_ONCE = 2_000  # spans of one request; collectors take 4 MB at most
MOST_WORKFLOWS = 1_000  # of one pipeline

log = logging.getLogger(__name__)


async def export_spans(exporter_id: ExporterId, app: App) -> None:
    """Send what an exporter waits for.  After a failure the rest waits with it.

    A crash after the sending sends the same spans again, under the same ids.
    """

    def next_of(tx: Tx) -> tuple[Exporter, WaitingExport] | None:
        tx.exporters.forget(exporter_id, Micros(app.clock.now() - KEPT_FOR))
        exporter = tx.exporters.get(exporter_id)
        waiting = None if exporter is None else tx.exporters.next_export(exporter_id)
        if exporter is None or waiting is None:
            tx.timers.remove_for(TimerKind.EXPORT_SPANS, exporter_id)
            return None
        return exporter, waiting

    while (found := await app.database.write(next_of)) is not None:
        if not await _export(*found, app):
            return


async def _export(exporter: Exporter, waiting: WaitingExport, app: App) -> bool:
    """Send one workflow; tell whether the next may follow."""
    try:
        await _send(exporter, waiting, app)
    except (NotExported, CannotUnseal) as error:
        at = app.clock.now()
        again = retry_at(waiting.attempts + 1, at)
        log.warning(
            "spans could not be exported: %s",
            error,
            extra={"event": "export-failed", "exporter": exporter.id},
        )
        if again is not None:

            def put_off(tx: Tx) -> None:
                tx.exporters.failed(waiting)
                tx.timers.postpone(TimerKind.EXPORT_SPANS, exporter.id, again)

            await app.database.write(put_off)
            return False
    await app.database.write(lambda tx: tx.exporters.done(waiting))
    return True


async def _send(exporter: Exporter, waiting: WaitingExport, app: App) -> None:
    view = await app.reads.workflow(waiting.workflow_id)
    pipeline = None if view is None else await app.reads.pipeline(view.workflow.pipeline_id)
    if view is None or pipeline is None:
        return  # it was deleted meanwhile
    url = address_of(exporter.endpoint, exporter.protocol, insecure=exporter.insecure)
    headers = opened_headers(exporter, app.cipher)
    resource = {
        "service.name": "roundel",
        "service.namespace": view.project_slug.organization,
        "roundel.project": str(view.project_slug),
    }
    spans: list[Span] = []
    async for span in _spans(view, pipeline, app):
        spans.append(span)
        if len(spans) == AT_ONCE:
            await send(app.web, url, exporter.protocol, encoded(spans, resource), headers)
            spans.clear()
    if spans:
        await send(app.web, url, exporter.protocol, encoded(spans, resource), headers)


async def _spans(view: WorkflowView, pipeline: PipelineView, app: App) -> AsyncIterator[Span]:
    workflow, slug = view.workflow, view.project_slug
    page = (
        f"{app.addresses.public_url}/pipelines/{LONG_FORM[slug.vcs]}/{slug.organization}"
        f"/{slug.project}/{view.pipeline_number}"
    )
    others = await app.reads.workflows(workflow.pipeline_id, limit=MOST_WORKFLOWS)
    originals = [it.workflow for it in others if it.workflow.rerun_of is None]
    if _is_last(workflow, originals):
        yield pipeline_span(pipeline, originals, page)
    yield workflow_span(pipeline.pipeline, workflow, f"{page}/workflows/{workflow.id}")
    for slot in await app.reads.slots(workflow.id):
        job = slot.job
        if job.workflow_id != workflow.id or job.number is None:
            continue  # a job that a rerun took over was told with its own workflow
        found = await app.reads.job(job.project_id, job.number)
        for span in () if found is None else job_spans(found):
            yield span


def _is_last(workflow: Workflow, originals: Sequence[Workflow]) -> bool:
    """Tell whether a pipeline's first run ends with this workflow: its span is sent once."""
    if any(it.stopped_at is None for it in originals):
        return False
    last = max(originals, key=lambda it: (it.stopped_at or 0, it.id), default=None)
    return last is not None and last.id == workflow.id
