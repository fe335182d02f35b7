"""Many pipelines made of a few real ones, row by row and below the program.

Whatever a pipeline left in the database is copied with ids, numbers and times of its own, so that
the copies look as if they had been run, whatever columns the tables have.
"""

import hashlib
import re
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from roundel.domain.clock import DAY, SECOND, Micros
from roundel.domain.ids import ProjectId
from roundel.domain.insights import (
    ALL,
    HOURS_KEPT,
    WHOLE,
    Figures,
    Grain,
    Outcome,
    Sample,
    compute_units,
    start_of,
)
from roundel.store.rows import json_text

DAYS_BACK = 89  # insights look at 90
BRANCHES = 40
PIPELINES_A_COMMIT = 3
ROWS_AT_ONCE = 20_000

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
# What belongs to a pipeline, in an order in which nothing is named before it is there.
_OWNED = (
    ("pipeline", "id = :pipeline"),
    ("workflow", "pipeline_id = :pipeline"),
    ("job", "workflow_id IN (SELECT id FROM workflow WHERE pipeline_id = :pipeline)"),
    ("workflow_job", "workflow_id IN (SELECT id FROM workflow WHERE pipeline_id = :pipeline)"),
    ("execution", "job_id IN {jobs}"),
    ("step", "execution_id IN (SELECT id FROM execution WHERE job_id IN {jobs})"),
    ("artifact", "job_id IN {jobs}"),
    ("test_run", "job_id IN {jobs}"),
    ("test_result", "job_id IN {jobs}"),
)
_JOBS = (
    "(SELECT j.id FROM job j JOIN workflow w ON w.id = j.workflow_id"
    " WHERE w.pipeline_id = :pipeline)"
)
# Artifacts of the copies point at the one that was made, so their blobs exist.
_KEPT_COLUMNS = frozenset({"project_id", "upload_id", "actor_id", "definition_id", "trigger_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A pipeline that was run."""

    pipeline: str
    project: ProjectId


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


class _Template:
    def __init__(self, connection: sqlite3.Connection, original: Original) -> None:
        self.project = original.project
        self.tables = [_table(connection, name, where, original.pipeline) for name, where in _OWNED]
        by_name = {table.name: table for table in self.tables}
        self.ids = frozenset(
            str(row[table.columns.index("id")])
            for table in self.tables
            if "id" in table.columns
            for row in table.rows
        )
        pipeline = dict(zip(by_name["pipeline"].columns, by_name["pipeline"].rows[0], strict=True))
        self.created_at = int(str(pipeline["created_at"]))
        self.revision = str(pipeline["revision"])
        self.jobs = [
            dict(zip(by_name["job"].columns, row, strict=True)) for row in by_name["job"].rows
        ]
        self.workflows = [
            dict(zip(by_name["workflow"].columns, row, strict=True))
            for row in by_name["workflow"].rows
        ]
        self.numbered = sum(job["number"] is not None for job in self.jobs)
        self.first_job = min(int(str(j["number"])) for j in self.jobs if j["number"] is not None)


def _table(connection: sqlite3.Connection, name: str, where: str, pipeline: str) -> _Table:
    found = connection.execute(
        f"SELECT * FROM {name} WHERE {where.format(jobs=_JOBS)}", {"pipeline": pipeline}
    )
    return _Table(name, [column[0] for column in found.description], found.fetchall())


def multiply(database: Path, originals: Sequence[Original], copies: int) -> int:
    """Make `copies` pipelines of each project's originals; return how many jobs there are then.

    The last original of a project stands for every twentieth pipeline, the others for the rest.
    """
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -400000")
    connection.execute("BEGIN IMMEDIATE")
    projects = dict.fromkeys(it.project for it in originals)
    for project in projects:
        templates = [_Template(connection, it) for it in originals if it.project == project]
        _copy_project(connection, templates, copies)
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    (jobs,) = connection.execute("SELECT count(*) FROM job").fetchone()
    connection.close()
    return int(jobs)


def _copy_project(
    connection: sqlite3.Connection, templates: Sequence[_Template], copies: int
) -> None:
    project = templates[0].project
    number, job_number = connection.execute(
        "SELECT last_pipeline_number, last_job_number FROM project WHERE id = ?", (project,)
    ).fetchone()
    now = time.time_ns() // 1000
    first = now - DAYS_BACK * DAY
    pending: dict[str, list[Sequence[object]]] = {}
    rollups = _Rollups(project, Micros(now))
    statements = {
        table.name: f"INSERT INTO {table.name} ({', '.join(table.columns)})"
        f" VALUES ({', '.join('?' * len(table.columns))})"
        for table in templates[0].tables
    }
    for k in range(copies):
        template = templates[-1] if k % 20 == 19 else templates[k % max(1, len(templates) - 1)]
        copy = _Copy(template, k, first + (now - first) * k // copies, number + k + 1, job_number)
        job_number += template.numbered
        rollups.add(copy)
        for table in template.tables:
            pending.setdefault(table.name, []).extend(copy.rows(table))
        if len(pending["job"]) >= ROWS_AT_ONCE:
            _write(connection, statements, pending)
    _write(connection, statements, pending)
    connection.execute(
        "UPDATE project SET last_pipeline_number = ?, last_job_number = ? WHERE id = ?",
        (number + copies, job_number, project),
    )
    rollups.write(connection)


def _write(
    connection: sqlite3.Connection,
    statements: dict[str, str],
    pending: dict[str, list[Sequence[object]]],
) -> None:
    for name, rows in pending.items():
        connection.executemany(statements[name], rows)
    pending.clear()


class _Copy:
    """One more pipeline like the template: when, on which branch and commit, and with which ids."""

    def __init__(
        self, template: _Template, k: int, at: int, number: int, last_job_number: int
    ) -> None:
        self.template = template
        self.shift = at - template.created_at
        self.number = number
        self.job_shift = last_job_number + 1 - template.first_job
        self.branch = "main" if k % 2 else f"feature-{k % (2 * BRANCHES) // 2}"
        commit = f"{template.project}/{k // PIPELINES_A_COMMIT}"
        self.revision = hashlib.sha1(commit.encode(), usedforsecurity=False).hexdigest()
        self._milliseconds = at // 1000
        self._k = k
        self._ids = {old: self._new_id(n) for n, old in enumerate(sorted(template.ids))}

    def _new_id(self, n: int) -> str:
        value = (self._milliseconds << 80) | (0x7 << 76) | (0x2 << 62)
        value |= (hash(self.template.project) & 0xFFFF) << 40 | self._k << 8 | n
        return str(uuid.UUID(int=value))

    def rows(self, table: _Table) -> Iterator[Sequence[object]]:
        for row in table.rows:
            yield [
                self._value(table.name, column, value)
                for column, value in zip(table.columns, row, strict=True)
            ]

    def _value(self, table: str, column: str, value: object) -> object:
        if isinstance(value, int):
            if column.endswith("_at") or column in ("deadline", "lease_until"):
                return value + self.shift
            if column == "number" and table in ("pipeline", "job"):
                return self.number if table == "pipeline" else value + self.job_shift
            return value
        if not isinstance(value, str) or column in _KEPT_COLUMNS:
            return value
        if column == "branch":
            return self.branch
        if column in ("revision", "commit_facts"):
            return value.replace(self.template.revision, self.revision)
        return self._ids.get(value, value) if _UUID.fullmatch(value) else value


_OUTCOMES = {"success": Outcome.SUCCESS, "failed": Outcome.FAILED, "canceled": Outcome.CANCELED}


class _Rollups:
    """The figures of insights as folding each run would have left them."""

    def __init__(self, project: ProjectId, now: Micros) -> None:
        self._project = project
        self._now = now
        self._found: dict[tuple[Grain, str, str, str, int], Figures] = {}

    def add(self, copy: _Copy) -> None:
        for sample in self._samples(copy):
            places = [(sample.workflow, sample.branch), (sample.workflow, ALL)]
            if sample.job == WHOLE:
                places.append((WHOLE, ALL))
            for grain in Grain:
                if grain is Grain.HOUR and sample.ended_at < self._now - HOURS_KEPT:
                    continue
                start = start_of(grain, sample.started_at)
                for workflow, branch in places:
                    key = (grain, workflow, sample.job, branch, start)
                    self._found.setdefault(key, Figures()).add(sample)

    def _samples(self, copy: _Copy) -> Iterable[Sample]:
        names = {workflow["id"]: str(workflow["name"]) for workflow in copy.template.workflows}
        units = 0
        for job in copy.template.jobs:
            if job["started_at"] is None or job["status"] not in _OUTCOMES:
                continue
            sample = self._sample(copy, job, "started_at", names[job["workflow_id"]])
            units += sample.credits
            yield sample
        for workflow in copy.template.workflows:
            yield self._sample(copy, workflow, "created_at", str(workflow["name"]), units)

    def _sample(
        self,
        copy: _Copy,
        row: dict[str, object],
        begin: str,
        workflow: str,
        units: int | None = None,
    ) -> Sample:
        started, ended = int(str(row[begin])), int(str(row["stopped_at"]))
        millis = max(0, ended - started) * 1000 // SECOND
        return Sample(
            project_id=self._project,
            workflow=workflow,
            job=str(row["name"]) if units is None else WHOLE,
            branch=copy.branch,
            outcome=_OUTCOMES[str(row["status"])],
            duration_ms=millis,
            credits=compute_units(millis, 1, None) if units is None else units,
            started_at=Micros(started + copy.shift),
            ended_at=Micros(ended + copy.shift),
        )

    def write(self, connection: sqlite3.Connection) -> None:
        connection.executemany(
            "INSERT OR REPLACE INTO rollup"
            " (project_id, grain, workflow, job, branch, start_at, figures)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (self._project, grain.value, workflow, job, branch, start, json_text(figures))
                for (grain, workflow, job, branch, start), figures in self._found.items()
            ],
        )
