"""Schedules of a project: pipelines by the clock."""

from collections.abc import Iterator, Sequence

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid
from roundel.domain.ids import ScheduleId
from roundel.domain.plan import Json
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.domain.schedules import (
    MONTHS,
    WEEKDAYS,
    Attribution,
    CronTrigger,
    Schedule,
    Timetable,
)
from roundel.domain.views import ScheduleView
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.forms import Fields
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.parameters import parameters_of, written
from roundel.web.refusals import refused_on
from roundel.web.settings_pages import after_of, cut, done, show_project

PAGE_SIZE = 50
TICKS_SHOWN = 3
CRONS_SHOWN = 100
MONTH_WORDS = dict(zip(MONTHS, (month.capitalize() for month in MONTHS), strict=True))
DAY_WORDS = dict(zip(WEEKDAYS, (day.capitalize() for day in WEEKDAYS), strict=True))


# What refusals begin with; the field that is meant, and how the form calls it.
_FIELDS: Fields = {
    "name:": ("name", "Name:"),
    "Branch or tag:": ("branch", ""),
    "parameters: give either branch or tag": ("branch", "Branch or tag: give one of them"),
    "parameters: branch": ("branch", "Branch"),
    "parameters: tag": ("tag", "Tag"),
    "timetable: give either days-of-week or days-of-month": (
        "days",
        "Days: tick days of the week, or give days of the month, and not both",
    ),
    "timetable: days-of-week": ("weekday", "Days of the week"),
    "timetable: days-of-month": ("days", "Days of the month"),
    "timetable: hours-of-day": ("hours", "Hours"),
    "timetable: per-hour": ("per_hour", "Times an hour"),
    "timetable: months": ("month", "Months"),
    "Days of the month:": ("days", ""),
    "Hours:": ("hours", ""),
    "Times an hour:": ("per_hour", ""),
    "Parameters": ("parameters", ""),
    "On behalf of:": ("attribution", ""),
}


async def schedules(visit: Visit[Project], *, problem: str = "", status: int = 200) -> Response:
    after = after_of(visit)
    written_in = [] if after else await _of_configs(visit)
    rows, last = cut(
        await visit.app.reads.schedules(
            visit.subject.id,
            after=None if after is None else (Micros(after[0]), ScheduleId(after[1])),
            limit=PAGE_SIZE + 1,
        ),
        PAGE_SIZE,
    )
    return await show_project(
        visit,
        visit.subject,
        "project_schedules.html",
        problem=problem,
        status=status,
        schedules=rows,
        crons=written_in,
        after=None if last is None else f"{last.created_at}.{last.id}",
        first=after is None,
        days=DAY_WORDS,
        months=MONTH_WORDS,
        attributions=Attribution,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CronShown:
    """What a config schedules; `pipeline` is the newest of its branch, whose config can be read."""

    trigger: CronTrigger
    pipeline: int | None


async def _of_configs(visit: Visit[Project]) -> Sequence[CronShown]:
    project = visit.subject.id
    found = await visit.app.pages.cron_triggers(project, limit=CRONS_SHOWN)
    newest: dict[str, int | None] = {}
    for branch in {it.branch for it in found}:
        rows = await visit.app.reads.pipelines(projects=[project], branch=branch, limit=1)
        newest[branch] = rows[0].pipeline.number if rows else None
    return [CronShown(trigger=it, pipeline=newest[it.branch]) for it in found]


@refused_on(schedules, _FIELDS)
async def create(visit: Visit[Project]) -> Response:
    made = await visit.hall.use_cases.create_schedule(
        visit.subject,
        name=visit.field("name").strip(),
        description=visit.field("description").strip() or None,
        timetable=_timetable(visit),
        attribution=_attribution(visit),
        parameters=_parameters(visit),
        by=visit.actor,
    )
    return done(f"{address_of.project_settings(visit.subject)}/schedules/{made.id}", "added")


def _timetable(visit: Visit[Project] | Visit[ScheduleView]) -> Timetable:
    per_hour = _numbers("Times an hour", visit.field("per_hour"))
    if len(per_hour) != 1:
        raise Invalid("Times an hour: expected one whole number from 1 to 60.")
    return Timetable(
        per_hour=per_hour[0],
        hours_of_day=_numbers("Hours", visit.field("hours")),
        days_of_week=visit.form.get("weekday", ()),
        days_of_month=_numbers("Days of the month", visit.field("days")),
        months=visit.form.get("month", ()),
    )


def _numbers(word: str, text: str) -> tuple[int, ...]:
    """Read whole numbers with commas or spaces between."""
    parts = text.replace(",", " ").split()
    for part in parts:
        if not (part.isascii() and part.isdigit() and len(part) < 4):
            raise Invalid(f"{word}: expected whole numbers such as 6, 18; got {part[:40]!r}")
    return tuple(dict.fromkeys(int(part) for part in parts))


def _attribution(visit: Visit[Project] | Visit[ScheduleView]) -> Attribution:
    text = visit.field("attribution")
    if text not in list(Attribution):
        raise Invalid(f"On behalf of: expected {' or '.join(Attribution)}, got {text[:40]!r}")
    return Attribution(text)


def _parameters(visit: Visit[Project] | Visit[ScheduleView]) -> dict[str, Json]:
    branch, tag = visit.field("branch").strip(), visit.field("tag").strip()
    if bool(branch) == bool(tag):
        raise Invalid("Branch or tag: give one of them, and not both.")
    found = parameters_of(visit.field("parameters"))
    for name in ("branch", "tag"):
        if name in found:
            raise Invalid(f"Parameters: {name} has a field of its own.")
    return {**found, **({"branch": branch} if branch else {"tag": tag})}


async def schedule(visit: Visit[ScheduleView], *, problem: str = "", status: int = 200) -> Response:
    view = visit.subject
    parameters = dict(view.schedule.parameters)
    branch, tag = parameters.pop("branch", ""), parameters.pop("tag", "")
    return await show_project(
        visit,
        view.project,
        "project_schedule.html",
        problem=problem,
        status=status,
        schedule=view.schedule,
        branch=branch,
        tag=tag,
        parameters=written(parameters),
        ticks=list(_ticks(view.schedule)),
        days=DAY_WORDS,
        months=MONTH_WORDS,
        attributions=Attribution,
    )


def _ticks(schedule: Schedule) -> Iterator[Micros]:
    """Return when it is due next, and the times after that."""
    at = schedule.next_at
    for _ in range(TICKS_SHOWN):
        if at is None:
            return
        yield at
        at = schedule.timetable.next_after(at, schedule.id)


@refused_on(schedule, _FIELDS)
async def change(visit: Visit[ScheduleView]) -> Response:
    """Take the form as a whole; pipelines are on behalf of whoever saved it last, or of nobody."""
    timetable = _timetable(visit)
    changes = {
        "name": visit.field("name").strip(),
        "description": visit.field("description").strip() or None,
        "parameters": _parameters(visit),
        "attribution": _attribution(visit),
    }
    id_ = visit.subject.schedule.id
    await visit.hall.use_cases.change_schedule(id_, changes, lambda _: timetable, visit.actor)
    return done(f"{address_of.project_settings(visit.subject.project)}/schedules/{id_}", "saved")


@refused_on(schedule)
async def remove(visit: Visit[ScheduleView]) -> Response:
    await visit.hall.use_cases.remove_schedule(visit.subject.schedule.id)
    return done(f"{address_of.project_settings(visit.subject.project)}/schedules", "removed")


_ALL = "/settings/project/{vcs}/{organization}/{project}/schedules"
_ONE = _ALL + "/{schedule}"

PAGES: list[AnyPage] = [
    Page(method="GET", path=_ALL, need=Need.READ, handler=schedules, subject=subjects.project),
    Page(
        method="POST",
        path=_ALL,
        need=Need.WRITE,
        handler=create,
        subject=subjects.project,
        deed="createSchedule",
    ),
    Page(method="GET", path=_ONE, need=Need.READ, handler=schedule, subject=subjects.schedule),
    Page(
        method="POST",
        path=_ONE,
        need=Need.WRITE,
        handler=change,
        subject=subjects.schedule,
        deed="updateSchedule",
    ),
    Page(
        method="POST",
        path=f"{_ONE}/delete",
        need=Need.WRITE,
        handler=remove,
        subject=subjects.schedule,
        deed="deleteScheduleById",
    ),
]
