"""Figures of ended runs."""

from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

import msgspec

from roundel.domain.clock import MILLISECOND, Micros
from roundel.domain.ids import ProjectId, WorkflowId
from roundel.domain.insights import (
    ALL,
    HOURS_KEPT,
    WHOLE,
    Figures,
    Grain,
    Sample,
    compute_units,
    start_of,
)
from roundel.store.dialect import Sql
from roundel.store.rows import json_text

figures_of = msgspec.json.Decoder(Figures).decode

# A workflow's own jobs: those that a rerun from failed shares with the run before are not counted.
CREDITS = (
    "SELECT started_at, stopped_at, parallelism, resource_class FROM job WHERE workflow_id = :id"
    " AND type = 'build' AND started_at IS NOT NULL AND stopped_at IS NOT NULL"
)


def credits_of(sql: Sql, workflow_id: WorkflowId) -> int:
    """Return the compute units of a workflow's own jobs."""
    rows = sql.all(CREDITS, id=workflow_id)
    return sum(compute_units((row[1] - row[0]) // MILLISECOND, row[2], row[3]) for row in rows)


_PLACE = ("grain", "workflow", "branch", "start")
_Place: TypeAlias = tuple[str, str, str, Micros]
_AT_ONCE = 9  # places of one statement: as many as a run of a whole workflow has at most
_KEEP = (
    "INSERT INTO rollup (project_id, grain, workflow, job, branch, start_at, figures)"
    " VALUES (:project, :grain, :workflow, :job, :branch, :start, :figures)"
    " ON CONFLICT (project_id, grain, workflow, job, branch, start_at)"
    " DO UPDATE SET figures = excluded.figures"
)


@cache
def _figures_at(places: int) -> str:
    return " UNION ALL ".join(
        f"SELECT {number}, figures FROM rollup WHERE project_id = :project"  # numbers of our own
        f" AND grain = :grain{number} AND workflow = :workflow{number} AND job = :job"
        f" AND branch = :branch{number} AND start_at = :start{number}"
        for number in range(places)
    )


def _places_of(sample: Sample) -> list[_Place]:
    workflows = [(sample.workflow, sample.branch), (sample.workflow, ALL)]
    if sample.job == WHOLE:
        workflows.append((WHOLE, ALL))
    return [
        (grain.value, workflow, branch, start_of(grain, sample.started_at))
        for grain in Grain
        for workflow, branch in workflows
    ]


class SqlInsights:
    """Implements `domain.insight_views.Insights`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def fold(self, samples: Sequence[Sample]) -> None:
        """Count runs in all intervals, branches and totals that they belong to."""
        counted: dict[tuple[ProjectId, str], dict[_Place, list[Sample]]] = {}
        for sample in samples:
            places = counted.setdefault((sample.project_id, sample.job), {})
            for place in _places_of(sample):
                places.setdefault(place, []).append(sample)
        for (project, job), places in counted.items():
            begun = False
            for start in range(0, len(places), _AT_ONCE):
                some = dict(list(places.items())[start : start + _AT_ONCE])
                begun |= self._add(project, job, some)
            if begun:  # an interval, so that others may be too old
                self._drop_old(project, max(it.ended_at for its in places.values() for it in its))

    def _add(self, project: ProjectId, job: str, places: dict[_Place, list[Sample]]) -> bool:
        """Count runs in some places; tell whether one of these had none before."""
        known = self._known(project, job, list(places))
        rows: list[dict[str, object]] = []
        for number, (place, samples) in enumerate(places.items()):
            figures = known.get(number) or Figures()
            for sample in samples:
                figures.add(sample)
            rows.append(
                {
                    "project": project,
                    "job": job,
                    "figures": json_text(figures),
                    **dict(zip(_PLACE, place, strict=True)),
                }
            )
        self._sql.each(_KEEP, rows)
        return len(known) < len(places)

    def _drop_old(self, project: ProjectId, ended_at: Micros) -> None:
        self._sql.put(
            "DELETE FROM rollup WHERE project_id = :project AND grain = 'hour'"
            " AND start_at < :before",
            project=project,
            before=ended_at - HOURS_KEPT,
        )

    def _known(self, project: ProjectId, job: str, places: Sequence[_Place]) -> dict[int, Figures]:
        """Return what the places have had, by their numbers, in one question."""
        values: dict[str, object] = {
            f"{name}{number}": value
            for number, place in enumerate(places)
            for name, value in zip(_PLACE, place, strict=True)
        }
        rows = self._sql.all(_figures_at(len(places)), project=project, job=job, **values)
        return {row[0]: figures_of(row[1]) for row in rows}

    def credits_of(self, workflow_id: WorkflowId) -> int:
        """Return the compute units of a workflow's own jobs."""
        return credits_of(self._sql, workflow_id)

    def branch_of(self, workflow_id: WorkflowId) -> str:
        """Return on which branch a workflow ran; for a tag, an empty text."""
        row = self._sql.one(
            "SELECT p.branch FROM workflow w JOIN pipeline p ON p.id = w.pipeline_id"
            " WHERE w.id = :id",
            id=workflow_id,
        )
        return "" if row is None or row[0] is None else str(row[0])

    def failed(self, project_id: ProjectId, workflow: str, branch: str, at: Micros) -> None:
        """Note a failure that waits for a success."""
        self._sql.run(
            "INSERT INTO failure_streak (project_id, workflow, branch, failures, ends_ms)"
            " VALUES (:project, :workflow, :branch, 1, :at)"
            " ON CONFLICT (project_id, workflow, branch) DO UPDATE"
            " SET failures = failure_streak.failures + 1,"
            " ends_ms = failure_streak.ends_ms + excluded.ends_ms",
            project=project_id,
            workflow=workflow,
            branch=branch,
            at=at // MILLISECOND,
        )

    def recovered(
        self, project_id: ProjectId, workflow: str, branch: str, at: Micros
    ) -> tuple[int, int]:
        """Return how many failures a success ends, and their milliseconds together."""
        rows = self._sql.all(
            "DELETE FROM failure_streak WHERE project_id = :project AND workflow = :workflow"
            " AND branch = :branch RETURNING failures, ends_ms",
            project=project_id,
            workflow=workflow,
            branch=branch,
        )
        if not rows:
            return 0, 0
        failures, ends = rows[0]
        return failures, max(0, failures * (at // MILLISECOND) - ends)
