"""Schedules on the wire: kebab case, in requests as well."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from roundel.api.schemas.common import Time, Uuid, millis
from roundel.domain.projects import Slug
from roundel.domain.schedules import Schedule, Timetable

Day = Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
Month = Literal["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
Values = dict[str, bool | int | float | str]


class TimetableBody(msgspec.Struct, rename="kebab"):
    per_hour: int
    hours_of_day: list[int]
    days_of_week: list[Day] | None = None
    days_of_month: list[int] | None = None
    months: list[Month] | None = None


class TimetableChange(msgspec.Struct, rename="kebab"):
    """What is left out stays as it is."""

    per_hour: int | None = None
    hours_of_day: list[int] | None = None
    days_of_week: list[Day] | None = None
    days_of_month: list[int] | None = None
    months: list[Month] | None = None


class ScheduleBody(msgspec.Struct, rename="kebab"):
    name: str
    timetable: TimetableBody
    attribution_actor: Literal["current", "system"]
    parameters: Values
    description: str | None = None


class ScheduleChange(msgspec.Struct, rename="kebab"):
    """What is left out stays as it is; a null description is none."""

    name: str | None = None
    timetable: TimetableChange | None = None
    attribution_actor: Literal["current", "system"] | None = None
    parameters: Values | None = None
    description: str | UnsetType | None = UNSET


class TimetableShown(msgspec.Struct, rename="kebab"):
    per_hour: int
    hours_of_day: list[int]
    days_of_week: list[Day] | UnsetType = UNSET
    days_of_month: list[int] | UnsetType = UNSET
    months: list[Month] | UnsetType = UNSET


class ScheduleActor(msgspec.Struct):
    id: Uuid
    login: str
    name: str


class ScheduleShown(msgspec.Struct, rename="kebab"):
    id: Uuid
    name: str
    description: str | None
    project_slug: str
    timetable: TimetableShown
    parameters: Mapping[str, Any]
    actor: ScheduleActor
    created_at: Time
    updated_at: Time


def timetable_of(body: TimetableBody) -> Timetable:
    return Timetable(
        per_hour=body.per_hour,
        hours_of_day=tuple(body.hours_of_day),
        days_of_week=tuple(body.days_of_week or ()),
        days_of_month=tuple(body.days_of_month or ()),
        months=tuple(body.months or ()),
    )


def changed_timetable(change: TimetableChange, before: Timetable) -> Timetable:
    """Return the timetable with what `change` names; days of one kind replace the others."""
    week, month = before.days_of_week, before.days_of_month
    if change.days_of_week is not None or change.days_of_month is not None:
        week, month = tuple(change.days_of_week or ()), tuple(change.days_of_month or ())
    hours, months = change.hours_of_day, change.months
    return Timetable(
        per_hour=before.per_hour if change.per_hour is None else change.per_hour,
        hours_of_day=before.hours_of_day if hours is None else tuple(hours),
        days_of_week=week,
        days_of_month=month,
        months=before.months if months is None else tuple(months),
    )


def schedule_shown(schedule: Schedule, slug: Slug) -> ScheduleShown:
    actor = schedule.actor
    return ScheduleShown(
        id=schedule.id,
        name=schedule.name,
        description=schedule.description,
        project_slug=str(slug),
        timetable=_timetable_shown(schedule.timetable),
        parameters=schedule.parameters,
        actor=ScheduleActor(actor.id, actor.login, actor.name),
        created_at=millis(schedule.created_at),
        updated_at=millis(schedule.updated_at),
    )


def _timetable_shown(timetable: Timetable) -> TimetableShown:
    return TimetableShown(
        per_hour=timetable.per_hour,
        hours_of_day=list(timetable.hours_of_day),
        days_of_week=list(timetable.days_of_week) or UNSET,  # type: ignore[arg-type]
        days_of_month=list(timetable.days_of_month) or UNSET,
        months=list(timetable.months) or UNSET,  # type: ignore[arg-type]
    )
