"""Schedules as lists and details show them."""

from roundel.domain.clock import Micros
from roundel.domain.ids import ProjectId, ScheduleId
from roundel.domain.schedules import CronTrigger, Schedule
from roundel.domain.views import ScheduleView
from roundel.store.dialect import Sql
from roundel.store.repos.projects import SqlProjects
from roundel.store.repos.schedules import CRON, SCHEDULE, SqlSchedules, cron_of, schedule_of


def schedule(sql: Sql, schedule_id: ScheduleId) -> ScheduleView | None:
    """Return a schedule and its project."""
    found = SqlSchedules(sql).get(schedule_id)
    project = None if found is None else SqlProjects(sql).get_by_id(found.project_id)
    if found is None or project is None:
        return None
    return ScheduleView(schedule=found, project=project)


def schedules(
    sql: Sql, project_id: ProjectId, *, after: tuple[Micros, ScheduleId] | None, limit: int
) -> list[Schedule]:
    """Return a project's schedules in the order of their creation."""
    where = "project_id = :project"
    values: dict[str, object] = {"project": project_id, "limit": limit}
    if after is not None:
        where += " AND (created_at, id) > (:created_at, :id)"
        values["created_at"], values["id"] = after
    rows = sql.all(
        f"SELECT {SCHEDULE} FROM schedule WHERE {where} ORDER BY created_at, id LIMIT :limit",
        **values,
    )
    return [schedule_of(row) for row in rows]


def cron_triggers(sql: Sql, project_id: ProjectId, limit: int) -> list[CronTrigger]:
    """Return what configs schedule, by branch and workflow."""
    rows = sql.all(
        f"SELECT {CRON} FROM cron_trigger WHERE project_id = :project"
        " ORDER BY branch, workflow, cron LIMIT :limit",
        project=project_id,
        limit=limit,
    )
    return [cron_of(row) for row in rows]
