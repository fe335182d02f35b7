"""What the operations of insights are asked for: windows, branches, ranges of dates, names."""

from collections.abc import Iterable, Mapping

from roundel.api.binding import flag, moment
from roundel.api.operations import Query
from roundel.domain.clock import DAY, Micros
from roundel.domain.errors import Invalid
from roundel.domain.insight_views import Rollup
from roundel.domain.insights import ALL, LONGEST_RANGE, Figures, Window, together
from roundel.domain.projects import Project

WINDOW = Query(name="reporting-window", summary="How far back to look; 90 days if not given.")
BRANCH = Query(name="branch", summary="A branch; the default branch if not given.")
ALL_BRANCHES = Query(name="all-branches", summary="All branches together.", type=bool)
START = Query(name="start-date", summary="Only what began at this time or later.")
END = Query(name="end-date", summary="Only what began before; 90 days after the start at most.")


def window_of(query: Mapping[str, str]) -> Window:
    """Return the window that is asked for."""
    text = query.get("reporting-window") or Window.QUARTER.value
    try:
        return Window(text)
    except ValueError:
        known = ", ".join(window.value for window in Window)
        raise Invalid(f"reporting-window: expected one of {known}, got {text[:40]!r}") from None


def branch_of(query: Mapping[str, str], project: Project) -> str:
    """Return the branch that is asked for, or ALL."""
    if flag(query, "all-branches"):
        return ALL
    return query.get("branch") or project.default_branch


def range_of(query: Mapping[str, str], now: Micros) -> tuple[Micros, Micros]:
    """Return the first moment of a range of dates, and that after its last."""
    start, end = _time(query, "start-date"), _time(query, "end-date")
    if start is None:
        if end is not None:
            raise Invalid("start-date: it must be given where end-date is")
        return Micros(now - LONGEST_RANGE), Micros(now + DAY)
    if end is None:
        end = Micros(min(start + LONGEST_RANGE, max(start, now + DAY)))
    if end < start:
        raise Invalid("end-date: it lies before start-date")
    if end - start > LONGEST_RANGE:
        raise Invalid("end-date: it may be 90 days after start-date at most")
    return start, end


def _time(query: Mapping[str, str], name: str) -> Micros | None:
    text = query.get(name)
    if not text:
        return None
    return moment(name, text)


def listed(query: Mapping[str, str], name: str) -> frozenset[str] | None:
    """Return the names in a parameter, which commas part; None where all are wanted."""
    names = frozenset(part.strip() for part in query.get(name, "").split(",")) - {""}
    return names or None


def by_name(rollups: Iterable[Rollup], *, jobs: bool = False) -> dict[str, Figures]:
    """Return the figures of each workflow, or of each job, put together."""
    groups: dict[str, list[Figures]] = {}
    for rollup in rollups:
        groups.setdefault(rollup.job if jobs else rollup.workflow, []).append(rollup.figures)
    return {name: together(groups[name]) for name in sorted(groups)}


def worst_p95(rollups: Iterable[Rollup]) -> float:
    """Return the longest 95th percentile of an interval."""
    return max((it.figures.duration_seconds(0.95) for it in rollups), default=0.0)
