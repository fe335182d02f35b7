"""Schedules: made and changed through the API, read from configs, and run when they are due."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import field, replace

from roundel.domain.access import Actor
from roundel.domain.clock import Micros
from roundel.domain.errors import DomainError, NotFound
from roundel.domain.ids import CronTriggerId, ScheduleId, TimerId, new_id
from roundel.domain.pipelines import Ref, TriggerType
from roundel.domain.plan import Json
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.domain.schedules import (
    SYSTEM,
    Attributed,
    Attribution,
    Schedule,
    Timetable,
)
from roundel.domain.timers import Timer, TimerKind
from roundel.services.cron import parse_cron
from roundel.services.pipelines import Scheduled, Triggered, TriggerPipeline, trigger_pipeline
from roundel.services.work import TIMERS, App, Tx

BRANCH_GONE = "Branch not found"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSchedule:
    """Run a project's pipeline by the clock."""

    project: Project
    by: Actor
    name: str
    timetable: Timetable
    attribution: Attribution
    parameters: Mapping[str, Json]
    description: str | None = None


async def create_schedule(command: CreateSchedule, app: App) -> Schedule:
    """Return the new schedule; its first tick is one that is still to come."""
    at, id_ = app.clock.now(), ScheduleId(new_id())
    schedule = Schedule(
        id=id_,
        project_id=command.project.id,
        name=command.name,
        description=command.description,
        timetable=command.timetable,
        parameters=command.parameters,
        attribution=command.attribution,
        actor=_attributed(command.attribution, command.by),
        next_at=command.timetable.next_after(at, id_),
        created_at=at,
        updated_at=at,
    )

    def transaction(tx: Tx) -> Schedule:
        tx.schedules.add(schedule)
        _arm(tx, TimerKind.SCHEDULE, id_, schedule.next_at)
        return schedule

    return await app.database.write(transaction)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSchedule:
    """Change what `changes` names; a new timetable is made from the one that there was."""

    schedule: ScheduleId
    by: Actor
    changes: Mapping[str, object] = field(default_factory=dict)
    timetable: Callable[[Timetable], Timetable] | None = None


async def change_schedule(command: ChangeSchedule, app: App) -> Schedule:
    """Return the schedule as it is now; the next tick is one that is still to come."""
    at = app.clock.now()

    def transaction(tx: Tx) -> Schedule:
        before = tx.schedules.get(command.schedule)
        if before is None:
            raise NotFound("Schedule not found")
        timetable = before.timetable
        if command.timetable is not None:
            timetable = command.timetable(timetable)
        after = replace(
            before,
            timetable=timetable,
            next_at=timetable.next_after(at, before.id),
            updated_at=at,
            **command.changes,  # type: ignore[arg-type]  # checked at the door
        )
        if "attribution" in command.changes:
            after = replace(after, actor=_attributed(after.attribution, command.by))
        tx.schedules.save(after)
        _arm(tx, TimerKind.SCHEDULE, after.id, after.next_at)
        return after

    return await app.database.write(transaction)


async def remove_schedule(schedule_id: ScheduleId, app: App) -> None:
    """Remove a schedule; its pipelines stay."""

    def transaction(tx: Tx) -> None:
        tx.timers.remove_for(TimerKind.SCHEDULE, schedule_id)
        tx.schedules.remove(schedule_id)

    await app.database.write(transaction)


def _attributed(attribution: Attribution, by: Actor) -> Attributed:
    if attribution is Attribution.SYSTEM:
        return SYSTEM
    return Attributed(id=by.id, login=by.login, name=by.name)


def _arm(tx: Tx, kind: TimerKind, subject: str, next_at: Micros | None) -> None:
    """Let the timer of `subject` be due at `next_at`, and only then."""
    tx.timers.remove_for(kind, subject)
    if next_at is not None:
        tx.timers.add(Timer(id=TimerId(new_id()), kind=kind, subject=subject, run_at=next_at))
        tx.wake(TIMERS)


async def run_schedule(schedule_id: ScheduleId, app: App) -> Triggered | None:
    """Trigger the pipeline of a schedule that is due, once, however many ticks were missed.

    The next tick is written with the pipeline, so a crash neither loses this one nor doubles it.
    """
    schedule = await app.database.write(lambda tx: tx.schedules.get(schedule_id))
    project = None if schedule is None else await app.reads.project_by_id(schedule.project_id)
    if schedule is None or project is None or schedule.next_at is None:
        await app.database.write(lambda tx: tx.timers.remove_for(TimerKind.SCHEDULE, schedule_id))
        return None
    due, values = schedule.next_at, dict(schedule.parameters)
    branch, tag = values.pop("branch", None), values.pop("tag", None)

    def move_on(tx: Tx) -> bool:
        now = tx.schedules.get(schedule_id)
        if now is None or now.next_at != due:
            return False  # somebody else was here, or has changed it
        # Later than the tick that is done, too: the clock may have been turned back.
        after = Micros(max(app.clock.now(), due))
        moved = replace(now, next_at=now.timetable.next_after(after, now.id))
        tx.schedules.save(moved)
        _arm(tx, TimerKind.SCHEDULE, schedule_id, moved.next_at)
        return True

    command = TriggerPipeline(
        project=project,
        by=Actor(id=schedule.actor.id, login=schedule.actor.login, name=schedule.actor.name),
        ref=Ref(branch=_text(branch), tag=_text(tag)),
        parameters=values,
        type=TriggerType.SCHEDULED,
        scheduled=Scheduled(move_on=move_on, schedule_id=schedule.id, name=schedule.name),
    )
    return await _trigger(command, move_on, app)


async def run_cron(trigger_id: CronTriggerId, app: App) -> Triggered | None:
    """Run a workflow that its config schedules, on the head of its branch, once."""
    trigger = await app.database.write(lambda tx: tx.cron_triggers.get(trigger_id))
    project = None if trigger is None else await app.reads.project_by_id(trigger.project_id)
    if trigger is None or project is None or trigger.next_at is None:
        await app.database.write(lambda tx: tx.timers.remove_for(TimerKind.CRON, trigger_id))
        return None
    due = trigger.next_at

    def move_on(tx: Tx) -> bool:
        now = tx.cron_triggers.get(trigger_id)
        if now is None or now.next_at != due:
            return False
        after = Micros(max(app.clock.now(), due))
        moved = replace(now, next_at=parse_cron(now.cron).next_after(after))
        tx.cron_triggers.save(moved)
        _arm(tx, TimerKind.CRON, trigger_id, moved.next_at)
        return True

    command = TriggerPipeline(
        project=project,
        by=Actor(
            id=trigger.actor_id or SYSTEM.id, login=trigger.actor_login, name=trigger.actor_login
        ),
        ref=Ref(branch=trigger.branch),
        type=TriggerType.SCHEDULED,
        scheduled=Scheduled(move_on=move_on, workflow=trigger.workflow),
    )
    return await _trigger(command, move_on, app)


async def _trigger(
    command: TriggerPipeline, move_on: Callable[[Tx], bool], app: App
) -> Triggered | None:
    """Trigger; where that is refused, this tick is over all the same."""
    try:
        triggered = await trigger_pipeline(command, app)
    except DomainError as error:
        log.warning(
            "a schedule of %s could not run: %s",
            command.project.slug,
            error,
            extra={"event": "schedule-refused", "project": str(command.project.slug)},
        )
        triggered = None
    if triggered is None:
        await app.database.write(move_on)
    return triggered


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None
