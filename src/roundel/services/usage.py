"""Usage exports: asked for, written behind the answer, and let go of when they are old."""

import csv
import io
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from roundel.domain.clock import MILLISECOND, SECOND, Micros, rfc3339_millis
from roundel.domain.errors import Invalid, TooOften
from roundel.domain.ids import OrganizationId, TimerId, new_id
from roundel.domain.insights import compute_units
from roundel.domain.pipelines import TriggerType
from roundel.domain.projects import LONG_FORM, Project
from roundel.domain.timers import Timer, TimerKind
from roundel.domain.usage import (
    KEPT_FOR,
    LONGEST_SPAN,
    MOST_PER_HOUR,
    OLDEST,
    PER,
    ExportId,
    ExportState,
    UsageExport,
    UsedJob,
)
from roundel.services.work import TIMERS, App, Tx

ATTEMPTS = 3
AT_ONCE = 1000  # jobs of one read: some milliseconds
NULL = "\\N"  # as CircleCI's files have it

COLUMNS = (
    "ORGANIZATION_ID",
    "ORGANIZATION_NAME",
    "ORGANIZATION_CREATED_DATE",
    "PROJECT_ID",
    "PROJECT_NAME",
    "PROJECT_CREATED_DATE",
    "LAST_BUILD_FINISHED_AT",
    "VCS_NAME",
    "VCS_URL",
    "VCS_BRANCH",
    "PIPELINE_ID",
    "PIPELINE_CREATED_AT",
    "PIPELINE_NUMBER",
    "IS_UNREGISTERED_USER",
    "PIPELINE_TRIGGER_SOURCE",
    "PIPELINE_TRIGGER_USER_ID",
    "WORKFLOW_ID",
    "WORKFLOW_NAME",
    "WORKFLOW_FIRST_JOB_QUEUED_AT",
    "WORKFLOW_FIRST_JOB_STARTED_AT",
    "WORKFLOW_STOPPED_AT",
    "IS_WORKFLOW_SUCCESSFUL",
    "JOB_NAME",
    "JOB_RUN_NUMBER",
    "JOB_ID",
    "JOB_RUN_DATE",
    "JOB_RUN_QUEUED_AT",
    "JOB_RUN_STARTED_AT",
    "JOB_RUN_STOPPED_AT",
    "JOB_BUILD_STATUS",
    "RESOURCE_CLASS",
    "OPERATING_SYSTEM",
    "EXECUTOR",
    "PARALLELISM",
    "JOB_RUN_SECONDS",
    "MEDIAN_CPU_UTILIZATION_PCT",
    "MAX_CPU_UTILIZATION_PCT",
    "MEDIAN_RAM_UTILIZATION_PCT",
    "MAX_RAM_UTILIZATION_PCT",
    "COMPUTE_CREDITS",
    "DLC_CREDITS",
    "USER_CREDITS",
    "STORAGE_CREDITS",
    "NETWORK_CREDITS",
    "LEASE_CREDITS",
    "LEASE_OVERAGE_CREDITS",
    "IPRANGES_CREDITS",
    "TOTAL_CREDITS",
)


async def ask_for_export(
    organization: OrganizationId,
    shared: Sequence[OrganizationId],
    start: Micros,
    end: Micros,
    app: App,
) -> UsageExport:
    """Take an order for an export; refuse a span that cannot be, and the eleventh in an hour."""
    at = app.clock.now()
    if end < start:
        raise Invalid("end: it is before start")
    if end - start > LONGEST_SPAN:
        raise Invalid("end: it must be no more than 31 days after start")
    if start < at - OLDEST:
        raise Invalid("start: it must be no more than 13 months ago")
    made = UsageExport(
        id=ExportId(new_id()),
        organization_id=organization,
        shared=tuple(dict.fromkeys(it for it in shared if it != organization)),
        start=start,
        end=end,
        state=ExportState.CREATED,
        created_at=at,
    )

    def transaction(tx: Tx) -> None:
        asked = tx.usage.asked_since(organization, Micros(at - PER))
        if len(asked) >= MOST_PER_HOUR:
            wait = asked[0] + PER - at
            raise TooOften("Rate limit exceeded.", retry_after=max(1, -(-wait // SECOND)))
        tx.usage.add(made)
        tx.timers.add(
            Timer(id=TimerId(new_id()), kind=TimerKind.USAGE_EXPORT, subject=made.id, run_at=at)
        )
        tx.wake(TIMERS)

    await app.database.write(transaction)
    return made


async def write_export(export_id: ExportId, attempts: int, app: App) -> None:
    """Write an export's file.  Doing it again writes the same name anew."""
    export = await app.usage.export(export_id)
    if export is None or export.state in (ExportState.COMPLETED, ExportState.FAILED):
        await _settle(export_id, None, app)
        return
    if attempts > ATTEMPTS:
        reason = "The export could not be written; the server's log says why."
        await _settle(export_id, replace(export, state=ExportState.FAILED, error=reason), app)
        return
    await app.database.write(
        lambda tx: tx.usage.save(replace(export, state=ExportState.PROCESSING))
    )
    await app.blobs.remove(export.blob)  # what an attempt that broke off has left
    await app.blobs.put_stream(export.blob, _packed(export, app))
    size = await app.blobs.size(export.blob)
    await _settle(export_id, replace(export, state=ExportState.COMPLETED, size=size), app)


async def _settle(export_id: ExportId, after: UsageExport | None, app: App) -> None:
    def transaction(tx: Tx) -> None:
        tx.timers.remove_for(TimerKind.USAGE_EXPORT, export_id)
        if after is not None:
            tx.usage.save(after)

    await app.database.write(transaction)


async def expire_exports(app: App) -> None:
    """Remove files of old exports."""
    before = Micros(app.clock.now() - KEPT_FOR)
    while old := await app.database.write(lambda tx: tx.usage.expire(before, AT_ONCE)):
        for export in old:
            await app.blobs.remove(export.blob)


async def _packed(export: UsageExport, app: App) -> AsyncIterator[bytes]:
    """Yield the file as gzip, a read's worth of lines at a time."""
    packer = zlib.compressobj(wbits=31)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for project in await app.usage.projects((export.organization_id, *export.shared)):
        last = await app.usage.last_build(project.id)
        after: int | None = 0
        while after is not None:
            found, after = await app.usage.jobs(
                project.id, after=after, start=export.start, end=export.end, limit=AT_ONCE
            )
            lines.writerows(line_of(used, project, last) for used in found)
            yield packer.compress(text.getvalue().encode())
            text.seek(0)
            text.truncate()
    yield packer.compress(text.getvalue().encode()) + packer.flush()


def line_of(used: UsedJob, project: Project, last_build: Micros | None) -> list[object]:
    """Return a job's line, in the order of `COLUMNS`.

    What is not measured, such as the use of processors, is null; what is not counted is 0.
    """
    job, workflow, pipeline = used.job, used.workflow, used.pipeline
    organization = project.organization
    ran = 0
    if job.started_at is not None and job.stopped_at is not None:
        ran = max(0, job.stopped_at - job.started_at)
    units = compute_units(ran // MILLISECOND, job.parallelism, job.resource_class)
    registered = pipeline.trigger.actor_id is not None
    return [
        *(organization.id, organization.name, _time(organization.created_at)),
        *(project.id, project.name, _time(project.created_at), _time(last_build)),
        *(LONG_FORM[project.slug.vcs].upper(), project.repository_url),
        *(pipeline.ref.branch or NULL, pipeline.id, _time(pipeline.created_at), pipeline.number),
        *("false" if registered else "true", _source(pipeline.trigger.type)),
        *(pipeline.trigger.actor_id or NULL, workflow.id, workflow.name),
        *(_time(used.first_queued_at), _time(used.first_started_at), _time(workflow.stopped_at)),
        *(str(workflow.status == "success").lower(), job.name, job.number, job.id),
        _time(job.started_at or job.queued_at)[:10],
        *(_time(job.queued_at), _time(job.started_at), _time(job.stopped_at), job.status.value),
        *(job.resource_class or NULL, "linux", job.executor, job.parallelism),
        *(round(ran / SECOND, 3), NULL, NULL, NULL, NULL),
        *(units, 0, 0, 0, 0, 0, 0, 0, units),
    ]


def _source(trigger: TriggerType) -> str:
    return "schedule" if trigger is TriggerType.SCHEDULED else trigger.value


def _time(at: Micros | None) -> str:
    return NULL if at is None else rfc3339_millis(at)
