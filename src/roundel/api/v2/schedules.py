"""Schedules: make, list, show, change, remove."""

from functools import partial

from msgspec import UNSET

from roundel.api.operations import PAGE_TOKEN, AnyOperation, Call, Operation
from roundel.api.paging import PAGE_SIZE, page, read_token, token
from roundel.api.schemas.common import Message, Page
from roundel.api.schemas.schedules import (
    ScheduleBody,
    ScheduleChange,
    ScheduleShown,
    changed_timetable,
    schedule_shown,
    timetable_of,
)
from roundel.api.subjects import PROJECT, SCHEDULE
from roundel.domain.access import Need
from roundel.domain.ids import ScheduleId
from roundel.domain.projects import Project
from roundel.domain.schedules import Attribution
from roundel.domain.views import ScheduleView


async def create(call: Call[Project, ScheduleBody]) -> ScheduleShown:
    body = call.body
    schedule = await call.door.use_cases.create_schedule(
        call.subject,
        name=body.name,
        description=body.description,
        timetable=timetable_of(body.timetable),
        attribution=Attribution(body.attribution_actor),
        parameters=body.parameters,
        by=call.actor,
    )
    return schedule_shown(schedule, call.subject.slug)


async def of_project(call: Call[Project, None]) -> Page[ScheduleShown]:
    after = read_token("schedules", call.query.get("page-token"))
    rows = await call.app.reads.schedules(
        call.subject.id,
        after=None if after is None else (after[0], ScheduleId(after[1])),
        limit=PAGE_SIZE + 1,
    )
    shown, last = page(rows)
    following = None if last is None else token("schedules", last.created_at, last.id)
    return Page([schedule_shown(it, call.subject.slug) for it in shown], following)


async def show(call: Call[ScheduleView, None]) -> ScheduleShown:
    return schedule_shown(call.subject.schedule, call.subject.project.slug)


async def change(call: Call[ScheduleView, ScheduleChange]) -> ScheduleShown:
    body = call.body
    changes: dict[str, object] = {}
    if body.name is not None:
        changes["name"] = body.name
    if body.description is not UNSET:
        changes["description"] = body.description
    if body.parameters is not None:
        changes["parameters"] = body.parameters
    if body.attribution_actor is not None:
        changes["attribution"] = Attribution(body.attribution_actor)
    timetable = None if body.timetable is None else partial(changed_timetable, body.timetable)
    schedule = await call.door.use_cases.change_schedule(
        call.subject.schedule.id, changes, timetable, call.actor
    )
    return schedule_shown(schedule, call.subject.project.slug)


async def remove(call: Call[ScheduleView, None]) -> Message:
    await call.door.use_cases.remove_schedule(call.subject.schedule.id)
    return Message("Schedule deleted.")


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="POST",
        path="/project/{project-slug}/schedule",
        id="createSchedule",
        summary="Create a schedule",
        tag="Schedule",
        need=Need.WRITE,
        subject=PROJECT,
        handler=create,
        body=ScheduleBody,
        answer=ScheduleShown,
        status=201,
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/schedule",
        id="listSchedulesForProject",
        summary="Get all schedules",
        tag="Schedule",
        need=Need.READ,
        subject=PROJECT,
        handler=of_project,
        answer=Page[ScheduleShown],
        query=(PAGE_TOKEN,),
    ),
    Operation(
        method="GET",
        path="/schedule/{schedule-id}",
        id="getScheduleById",
        summary="Get a schedule",
        tag="Schedule",
        need=Need.READ,
        subject=SCHEDULE,
        handler=show,
        answer=ScheduleShown,
    ),
    Operation(
        method="PATCH",
        path="/schedule/{schedule-id}",
        id="updateSchedule",
        summary="Update a schedule",
        tag="Schedule",
        need=Need.WRITE,
        subject=SCHEDULE,
        handler=change,
        body=ScheduleChange,
        answer=ScheduleShown,
    ),
    Operation(
        method="DELETE",
        path="/schedule/{schedule-id}",
        id="deleteScheduleById",
        summary="Delete a schedule",
        tag="Schedule",
        need=Need.WRITE,
        subject=SCHEDULE,
        handler=remove,
        answer=Message,
    ),
]
