"""Insights: figures of workflows and jobs, and their runs."""

from collections.abc import Awaitable, Callable, Mapping

from roundel.api.insight_queries import (
    ALL_BRANCHES,
    BRANCH,
    END,
    START,
    WINDOW,
    branch_of,
    by_name,
    range_of,
    window_of,
    worst_p95,
)
from roundel.api.operations import PAGE_TOKEN, AnyOperation, Call, Operation, Query
from roundel.api.paging import (
    PAGE_SIZE,
    named_token,
    page,
    read_named_token,
    read_token,
    token,
)
from roundel.api.schemas.common import Page, millis, millis_or_none
from roundel.api.schemas.insights import (
    JobRun,
    JobSummary,
    Run,
    SeriesItem,
    SummaryMetrics,
    WorkflowMetrics,
    WorkflowSummary,
    durations,
    job_metrics,
    run_metrics,
    series_metrics,
    summary_trends,
)
from roundel.api.subjects import PROJECT, PROJECT_IN_PARTS
from roundel.domain.access import Need
from roundel.domain.clock import DAY, SECOND, Micros
from roundel.domain.errors import Invalid
from roundel.domain.ids import JobId, WorkflowId
from roundel.domain.insights import (
    ALL,
    DAYS,
    LENGTH,
    WHOLE,
    Figures,
    Grain,
    Window,
    grain_of,
    since,
    start_of,
    together,
)
from roundel.domain.projects import Project

SERIES_PAGE = 500


def _window_times(figures: Figures, window: Window, now: Micros) -> tuple[str, str]:
    """Return when the first and the last run were; without any, the window's own borders."""
    first = since(window, now) if figures.first_at is None else Micros(figures.first_at)
    last = now if figures.last_at is None else Micros(figures.last_at)
    return millis(first), millis(last)


def _named_page(
    found: Mapping[str, Figures], of: str, text: str | None
) -> tuple[list[str], str | None]:
    """Return the names of a page, and the token of the next."""
    after = read_named_token(of, text)
    names = [name for name in sorted(found) if after is None or name > after[1]]
    shown, last = page(names)
    return list(shown), None if last is None else named_token(of, 0, last)


async def workflows(call: Call[Project, None]) -> Page[WorkflowMetrics]:
    window, now = window_of(call.query), call.app.clock.now()
    rollups = await call.app.insights.rollups(
        [call.subject.id],
        grain_of(window),
        since(window, now),
        branch=branch_of(call.query, call.subject),
    )
    found = by_name(it for it in rollups if it.workflow != WHOLE)
    names, following = _named_page(found, "insight-workflows", call.query.get("page-token"))
    items = []
    for name in names:
        start, end = _window_times(found[name], window, now)
        metrics = run_metrics(found[name], DAYS[window])
        items.append(WorkflowMetrics(name, metrics, start, end, call.subject.id))
    return Page(items, following)


async def jobs(call: Call[Project, None]) -> Page[JobSummary]:
    window, now = window_of(call.query), call.app.clock.now()
    rollups = await call.app.insights.rollups(
        [call.subject.id],
        grain_of(window),
        since(window, now),
        workflow=call.path["workflow-name"],
        branch=branch_of(call.query, call.subject),
        jobs=True,
    )
    wanted = call.query.get("job-name", "")
    found = by_name((it for it in rollups if wanted in it.job), jobs=True)
    names, following = _named_page(found, "insight-jobs", call.query.get("page-token"))
    items = []
    for name in names:
        start, end = _window_times(found[name], window, now)
        items.append(JobSummary(name, job_metrics(found[name], DAYS[window]), start, end))
    return Page(items, following)


async def summary(call: Call[Project, None]) -> WorkflowSummary:
    """The last 90 days; their trends are those of the last 30 against the 30 before."""
    now, app, project = call.app.clock.now(), call.app, call.subject
    name, branch = call.path["workflow-name"], branch_of(call.query, project)
    rollups = await app.insights.rollups(
        [project.id], Grain.DAY, since(Window.QUARTER, now), workflow=name, branch=branch
    )
    names, _ = await app.insights.names(project.id)
    figures = together(it.figures for it in rollups)
    month, before = since(Window.MONTH, now), since(Window.MONTH, now, ago=1)
    prior = [it for it in rollups if before <= it.start < month]
    start, end = _window_times(figures, Window.QUARTER, now)
    return WorkflowSummary(
        metrics=SummaryMetrics(
            total_runs=figures.runs,
            successful_runs=figures.successes,
            failed_runs=figures.failures,
            completed_runs=figures.timed,
            success_rate=figures.success_rate,
            throughput=figures.runs / DAYS[Window.QUARTER],
            mttr=figures.mttr_seconds,
            total_credits_used=figures.credits,
            duration_metrics=durations(figures),
            window_start=start,
            window_end=end,
        ),
        trends=summary_trends(
            together(it.figures for it in rollups if it.start >= month),
            together(it.figures for it in prior),
            worst_p95(prior),
        ),
        workflow_names=list(names),
    )


async def runs(call: Call[Project, None]) -> Page[Run]:
    start, end = range_of(call.query, call.app.clock.now())
    branch = branch_of(call.query, call.subject)
    before = read_token("insight-runs", call.query.get("page-token"))
    rows = await call.app.insights.runs(
        call.subject.id,
        call.path["workflow-name"],
        branch=None if branch == ALL else branch,
        since=start,
        until=end,
        before=None if before is None else (before[0], WorkflowId(before[1])),
        limit=PAGE_SIZE + 1,
    )
    shown, last = page(rows)
    items = [
        Run(
            id=run.id,
            branch=run.branch,
            duration=0 if run.stopped_at is None else (run.stopped_at - run.created_at) // SECOND,
            created_at=millis(run.created_at),
            stopped_at=millis_or_none(run.stopped_at),
            credits_used=run.credits,
            status=run.status,
            is_approval=run.has_approval,
        )
        for run in shown
    ]
    return Page(items, None if last is None else token("insight-runs", last.created_at, last.id))


async def job_runs(call: Call[Project, None]) -> Page[JobRun]:
    start, end = range_of(call.query, call.app.clock.now())
    branch = branch_of(call.query, call.subject)
    before = read_token("insight-job-runs", call.query.get("page-token"))
    rows = await call.app.insights.job_runs(
        call.subject.id,
        call.path["workflow-name"],
        call.path["job-name"],
        branch=None if branch == ALL else branch,
        since=start,
        until=end,
        before=None if before is None else (before[0], JobId(before[1])),
        limit=PAGE_SIZE + 1,
    )
    shown, last = page(rows)
    items = [
        JobRun(
            id=run.id,
            duration=(run.stopped_at - run.started_at) // SECOND,
            started_at=millis(run.started_at),
            stopped_at=millis(run.stopped_at),
            credits_used=run.credits,
            status=run.status,
        )
        for run in shown
    ]
    following = None if last is None else token("insight-job-runs", last.created_at, last.id)
    return Page(items, following)


async def series(call: Call[Project, None]) -> Page[SeriesItem]:
    grain = {"": Grain.DAY, "daily": Grain.DAY, "hourly": Grain.HOUR}.get(
        call.query.get("granularity", "")
    )
    if grain is None:
        raise Invalid("granularity: expected daily or hourly")
    start, end = range_of(call.query, call.app.clock.now())
    after = read_named_token("insight-series", call.query.get("page-token"))
    rollups = await call.app.insights.rollups(
        [call.subject.id],
        grain,
        start_of(grain, start),
        end,
        workflow=call.path["workflow-name"],
        branch=branch_of(call.query, call.subject),
        jobs=True,
    )
    rows = [it for it in rollups if after is None or (it.start, it.job) > after]
    shown, last = page(rows, SERIES_PAGE)
    items = [
        SeriesItem(
            name=it.job,
            min_started_at=millis(Micros(it.figures.first_at or it.start)),
            max_ended_at=millis(Micros(it.figures.last_at or it.start)),
            timestamp=millis(it.start),
            metrics=series_metrics(it.figures, LENGTH[grain] / DAY),
        )
        for it in shown
    ]
    following = None if last is None else named_token("insight-series", last.start, last.job)
    return Page(items, following)


_WORKFLOWS = "/insights/{project-slug}/workflows"
_ONE = _WORKFLOWS + "/{workflow-name}"
_OLD = "/insights/{vcs}/{organization}/projects/{project}"
Handler = Callable[[Call[Project, None]], Awaitable[object]]


def _read(
    path: str, id_: str, summary_: str, handler: Handler, answer: object, *query: Query
) -> AnyOperation:
    return Operation(
        method="GET",
        path=path,
        id=id_,
        summary=summary_,
        tag="Insights",
        need=Need.READ,
        subject=PROJECT,
        handler=handler,
        answer=answer,
        query=query,
    )


def _hidden(path: str, id_: str, handler: Handler, answer: object) -> AnyOperation:
    return Operation(
        method="GET",
        path=path,
        id=id_,
        summary="The same under a name that older clients use",
        tag="Insights",
        need=Need.READ,
        subject=PROJECT_IN_PARTS if path.startswith(_OLD) else PROJECT,
        handler=handler,
        answer=answer,
        hidden=True,
    )


JOB_NAME = Query(name="job-name", summary="Only jobs with this text in their names.")
GRANULARITY = Query(name="granularity", summary="daily or hourly; daily if not given.")

OPERATIONS: list[AnyOperation] = [
    _read(
        _WORKFLOWS,
        "getProjectWorkflowMetrics",
        "Get summary metrics for a project's workflows",
        workflows,
        Page[WorkflowMetrics],
        *(PAGE_TOKEN, ALL_BRANCHES, BRANCH, WINDOW),
    ),
    _read(
        _ONE,
        "getProjectWorkflowRuns",
        "Get recent runs of a workflow",
        runs,
        Page[Run],
        *(ALL_BRANCHES, BRANCH, PAGE_TOKEN, START, END),
    ),
    _read(
        f"{_ONE}/jobs",
        "getProjectWorkflowJobMetrics",
        "Get summary metrics for a project workflow's jobs.",
        jobs,
        Page[JobSummary],
        *(PAGE_TOKEN, ALL_BRANCHES, BRANCH, WINDOW, JOB_NAME),
    ),
    _read(
        f"{_ONE}/summary",
        "getWorkflowSummary",
        "Get metrics and trends for workflows",
        summary,
        WorkflowSummary,
        *(ALL_BRANCHES, BRANCH),
    ),
    _read(
        "/insights/time-series/{project-slug}/workflows/{workflow-name}/jobs",
        "getJobTimeseries",
        "Job timeseries data",
        series,
        Page[SeriesItem],
        *(BRANCH, GRANULARITY, START, END),
    ),
    # Not in the document any more; older clients still ask for it.
    _hidden(f"{_ONE}/jobs/{{job-name}}", "getProjectJobRuns", job_runs, Page[JobRun]),
    # The spellings of CircleCI's introductions.
    _hidden(_OLD, "oldProjectMetrics", workflows, Page[WorkflowMetrics]),
    _hidden(f"{_OLD}/workflows", "oldWorkflowMetrics", workflows, Page[WorkflowMetrics]),
    _hidden(f"{_OLD}/workflows/{{workflow-name}}", "oldWorkflowRuns", runs, Page[Run]),
    _hidden(f"{_OLD}/workflows/{{workflow-name}}/jobs", "oldJobMetrics", jobs, Page[JobSummary]),
    _hidden(
        f"{_OLD}/workflows/{{workflow-name}}/jobs/{{job-name}}",
        "oldJobRuns",
        job_runs,
        Page[JobRun],
    ),
]
