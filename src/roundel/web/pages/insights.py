"""Insights: how a project's workflows and jobs have done, as figures, charts and CSV."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.clock import DAY, Micros, rfc3339_seconds
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.insight_views import Rollup
from roundel.domain.insights import (
    ALL,
    DAYS,
    FLAKY_FOR,
    RECENT_TEST_RUNS,
    WHOLE,
    Figures,
    Grain,
    Window,
    start_of,
    together,
)
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.web import subjects
from roundel.web.charts import Chart, line_chart
from roundel.web.graph import critical_path
from roundel.web.page import NOTHING_HERE, AnyPage, Page, Visit
from roundel.web.rooms import rooms_of

WINDOWS = {
    Window.WEEK: "7 days",
    Window.MONTH: "30 days",
    Window.TWO_MONTHS: "60 days",
    Window.QUARTER: "90 days",
}
MOST_TESTS = 20
PATHS_OF = 10  # runs whose critical paths are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the visitor looks at: a window of days and a branch, or all branches."""

    window: Window
    branch: str
    begin: Micros

    @property
    def days(self) -> list[Micros]:
        """Return the days of the window, the oldest first."""
        return [Micros(self.begin + n * DAY) for n in range(DAYS[self.window])]


async def of_project(visit: Visit[Project]) -> Response:
    """Each workflow's figures side by side, and the project's flaky tests."""
    project, choice = visit.subject, _choice(visit)
    rollups = await visit.app.insights.rollups(
        [project.id], Grain.DAY, choice.begin, branch=choice.branch or ALL
    )
    found = _by(rollups, lambda it: it.workflow)
    found.pop(WHOLE, None)
    _, branches = await visit.app.insights.names(project.id)
    now = visit.app.clock.now()
    flaky = await visit.app.insights.flaky_tests(project.id, Micros(now - FLAKY_FOR))
    return visit.page(
        "insights.html",
        rooms=await rooms_of(visit, project=project),
        project=project,
        choice=choice,
        windows=WINDOWS,
        branches=branches,
        rows=sorted(found.items()),
        length=DAYS[choice.window],
        flaky=flaky[:MOST_TESTS],
        more_flaky=max(0, len(flaky) - MOST_TESTS),
    )


async def of_workflow(visit: Visit[Project]) -> Response:
    """One workflow over time: durations, success, throughput; its jobs and its tests."""
    project, choice, name = visit.subject, _choice(visit), visit.query.get("name", "")
    insights = visit.app.insights
    branch = choice.branch or ALL
    rollups = await insights.rollups(
        [project.id], Grain.DAY, choice.begin, workflow=name, branch=branch
    )
    names, branches = await insights.names(project.id, name)
    if name not in names:
        raise NotFound(NOTHING_HERE)
    jobs = await insights.rollups(
        [project.id], Grain.DAY, choice.begin, workflow=name, branch=branch, jobs=True
    )
    runs, tests = await insights.tests(project.id, name, choice.branch or None, RECENT_TEST_RUNS)
    critical_of, critical = await _critical(visit, name, choice)
    by_day = _by_day(rollups)
    slowest = sorted(tests, key=lambda it: -it.slowest_seconds)
    failing = sorted((it for it in tests if it.failed), key=lambda it: -it.failed)
    return visit.page(
        "insights_workflow.html",
        rooms=await rooms_of(visit, project=project),
        project=project,
        name=name,
        choice=choice,
        windows=WINDOWS,
        branches=branches,
        figures=together(by_day.values()),
        length=DAYS[choice.window],
        charts=_charts(choice.days, by_day),
        days=[(day, by_day[day]) for day in choice.days if day in by_day],
        jobs=sorted(
            _by(jobs, lambda it: it.job).items(), key=lambda it: -it[1].duration_seconds(0.95)
        ),
        critical=critical,
        critical_of=critical_of,
        test_runs=runs,
        failing=failing[:MOST_TESTS],
        slowest=slowest[:MOST_TESTS],
    )


async def _critical(
    visit: Visit[Project], workflow: str, choice: Choice
) -> tuple[int, Counter[str]]:
    """Return how many of the newest runs have a critical path, and how often a job is on one."""
    runs = await visit.app.insights.runs(
        visit.subject.id,
        workflow,
        branch=choice.branch or None,
        since=choice.begin,
        until=visit.app.clock.now(),
        before=None,
        limit=PATHS_OF,
    )
    found: Counter[str] = Counter()
    count = 0
    slots_of = await visit.app.insights.slots([run.id for run in runs])
    for slots in slots_of.values():
        path = critical_path(slots)
        count += bool(path)
        found.update(slot.job.name for slot in slots if slot.job.id in path)
    return count, found


async def as_csv(visit: Visit[Project]) -> Response:
    """The figures by day, of a workflow and its jobs, or of all workflows of the project."""
    project, choice, name = visit.subject, _choice(visit), visit.query.get("name", "")
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\r\n")
    rows.writerow(_COLUMNS)
    for of_jobs in (False, True):
        rollups = await visit.app.insights.rollups(
            [project.id],
            Grain.DAY,
            choice.begin,
            workflow=name or None,
            branch=choice.branch or ALL,
            jobs=of_jobs,
        )
        rows.writerows(_line(it) for it in rollups if it.workflow != WHOLE)
    return Response(
        table.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": 'attachment; filename="insights.csv"',
            "cache-control": "private, no-cache",
        },
    )


_COLUMNS = (
    "day",
    "workflow",
    "job",
    "runs",
    "succeeded",
    "failed",
    "canceled",
    "median_seconds",
    "p95_seconds",
    "compute_units",
)


def _line(rollup: Rollup) -> list[object]:
    figures = rollup.figures
    return [
        _day_name(rollup.start),
        _harmless(rollup.workflow),
        _harmless(rollup.job),
        figures.runs,
        figures.successes,
        figures.failures,
        figures.canceled,
        round(figures.duration_seconds(0.5), 1),
        round(figures.duration_seconds(0.95), 1),
        figures.credits,
    ]


def _harmless(text: str) -> str:
    """Return a name that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _choice(visit: Visit[Project]) -> Choice:
    text = visit.query.get("window", Window.MONTH.value)
    if text not in WINDOWS:
        raise Invalid(f"window: there is no {text[:40]!r}")
    window = Window(text)
    today = start_of(Grain.DAY, visit.app.clock.now())
    begin = Micros(today - (DAYS[window] - 1) * DAY)
    return Choice(window=window, branch=visit.query.get("branch", "").strip(), begin=begin)


def _by(rollups: Sequence[Rollup], key: Callable[[Rollup], str]) -> dict[str, Figures]:
    found: dict[str, list[Figures]] = {}
    for rollup in rollups:
        found.setdefault(key(rollup), []).append(rollup.figures)
    return {name: together(figures) for name, figures in found.items()}


def _by_day(rollups: Sequence[Rollup]) -> dict[Micros, Figures]:
    return {rollup.start: rollup.figures for rollup in rollups}


def _charts(days: Sequence[Micros], found: Mapping[Micros, Figures]) -> list[Chart]:
    names = [_day_name(day)[5:] for day in days]

    def values(of: Callable[[Figures], float | None]) -> list[float | None]:
        return [of(found[day]) if day in found else None for day in days]

    return [
        line_chart(
            "Duration",
            days,
            [
                ("median", values(lambda it: it.duration_seconds(0.5) if it.timed else None)),
                ("p95", values(lambda it: it.duration_seconds(0.95) if it.timed else None)),
            ],
            unit="s",
            day_name=names,
        ),
        line_chart(
            "Success rate",
            days,
            [("success", values(lambda it: 100 * it.success_rate if it.timed else None))],
            unit="%",
            top=100,
            day_name=names,
        ),
        line_chart(
            "Runs a day",
            days,
            [("runs", [float(found[day].runs) if day in found else 0.0 for day in days])],
            unit="",
            day_name=names,
        ),
    ]


def _day_name(day: Micros) -> str:
    return rfc3339_seconds(day)[:10]


_PATH = "/insights/{vcs}/{organization}/{project}"

PAGES: list[AnyPage] = [
    Page(method="GET", path=_PATH, need=Need.READ, handler=of_project, subject=subjects.project),
    Page(
        method="GET",
        path=f"{_PATH}/workflow",
        need=Need.READ,
        handler=of_workflow,
        subject=subjects.project,
    ),
    Page(
        method="GET",
        path=f"{_PATH}/figures.csv",
        need=Need.READ,
        handler=as_csv,
        subject=subjects.project,
    ),
]
