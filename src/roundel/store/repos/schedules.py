"""Schedules of the API and of configs."""

from collections.abc import Sequence

import msgspec

from roundel.domain.clock import Micros
from roundel.domain.ids import CronTriggerId, PersonId, ProjectId, ScheduleId
from roundel.domain.schedules import Attributed, Attribution, CronTrigger, Schedule, Timetable
from roundel.store.dialect import Row, Sql
from roundel.store.rows import json_text, values_of

SCHEDULE = (
    "id, project_id, name, description, timetable, parameters, attribution, actor_id, "
    "actor_login, actor_name, next_at, created_at, updated_at"
)
SCHEDULE_WIDTH = 13
CRON = "id, project_id, branch, workflow, cron, actor_id, actor_login, next_at"


class SqlSchedules:
    """Implements `domain.schedules.Schedules`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, schedule: Schedule) -> None:
        """Add a schedule."""
        self._sql.run(
            f"INSERT INTO schedule ({SCHEDULE}) VALUES ({values_of(SCHEDULE)})",
            **_schedule_row(schedule),
        )

    def get(self, schedule_id: ScheduleId) -> Schedule | None:
        """Return the schedule."""
        row = self._sql.one(f"SELECT {SCHEDULE} FROM schedule WHERE id = :id", id=schedule_id)
        return None if row is None else schedule_of(row)

    def save(self, schedule: Schedule) -> None:
        """Save all that can change."""
        self._sql.run(
            "UPDATE schedule SET name = :name, description = :description,"
            " timetable = :timetable, parameters = :parameters, attribution = :attribution,"
            " actor_id = :actor_id, actor_login = :actor_login, actor_name = :actor_name,"
            " next_at = :next_at, updated_at = :updated_at WHERE id = :id",
            **_schedule_row(schedule),
        )

    def remove(self, schedule_id: ScheduleId) -> None:
        """Remove a schedule."""
        self._sql.run("DELETE FROM schedule WHERE id = :id", id=schedule_id)


def schedule_of(row: Row) -> Schedule:
    """Read a schedule."""
    return Schedule(
        id=ScheduleId(row[0]),
        project_id=ProjectId(row[1]),
        name=row[2],
        description=row[3],
        timetable=msgspec.json.decode(row[4], type=Timetable),
        parameters=msgspec.json.decode(row[5]),
        attribution=Attribution(row[6]),
        actor=Attributed(id=PersonId(row[7]), login=row[8], name=row[9]),
        next_at=row[10],
        created_at=Micros(row[11]),
        updated_at=Micros(row[12]),
    )


def _schedule_row(schedule: Schedule) -> dict[str, object]:
    return {
        "id": schedule.id,
        "project_id": schedule.project_id,
        "name": schedule.name,
        "description": schedule.description,
        "timetable": json_text(schedule.timetable),
        "parameters": json_text(schedule.parameters),
        "attribution": schedule.attribution.value,
        "actor_id": schedule.actor.id,
        "actor_login": schedule.actor.login,
        "actor_name": schedule.actor.name,
        "next_at": schedule.next_at,
        "created_at": schedule.created_at,
        "updated_at": schedule.updated_at,
    }


class SqlCronTriggers:
    """Implements `domain.schedules.CronTriggers`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, trigger: CronTrigger) -> None:
        """Add the schedule of a workflow."""
        self._sql.run(
            f"INSERT INTO cron_trigger ({CRON}) VALUES ({values_of(CRON)})",
            id=trigger.id,
            project_id=trigger.project_id,
            branch=trigger.branch,
            workflow=trigger.workflow,
            cron=trigger.cron,
            actor_id=trigger.actor_id,
            actor_login=trigger.actor_login,
            next_at=trigger.next_at,
        )

    def get(self, trigger_id: CronTriggerId) -> CronTrigger | None:
        """Return it."""
        row = self._sql.one(f"SELECT {CRON} FROM cron_trigger WHERE id = :id", id=trigger_id)
        return None if row is None else cron_of(row)

    def of_branch(self, project_id: ProjectId, branch: str) -> Sequence[CronTrigger]:
        """Return those that the branch's config had when it was last looked at."""
        rows = self._sql.all(
            f"SELECT {CRON} FROM cron_trigger WHERE project_id = :project AND branch = :branch",
            project=project_id,
            branch=branch,
        )
        return [cron_of(row) for row in rows]

    def save(self, trigger: CronTrigger) -> None:
        """Save when it is due next."""
        self._sql.run(
            "UPDATE cron_trigger SET next_at = :next_at WHERE id = :id",
            id=trigger.id,
            next_at=trigger.next_at,
        )

    def remove(self, trigger_id: CronTriggerId) -> None:
        """Remove it."""
        self._sql.run("DELETE FROM cron_trigger WHERE id = :id", id=trigger_id)


def cron_of(row: Row) -> CronTrigger:
    """Read what a config schedules."""
    return CronTrigger(
        id=CronTriggerId(row[0]),
        project_id=ProjectId(row[1]),
        branch=row[2],
        workflow=row[3],
        cron=row[4],
        actor_id=row[5],
        actor_login=row[6],
        next_at=row[7],
    )
