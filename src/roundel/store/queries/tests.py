"""Test results over several runs: which are flaky, which fail, which are slow."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import ProjectId, WorkflowId
from roundel.domain.insight_views import FlakyTest, TestFigures, TestKey, TestRunView
from roundel.store.dialect import Row, Sql, placeholders

MOST_FAILURES = 5_000  # that are looked at for flaky tests, the newest first

# Who needs it: `GET /insights/{project-slug}/flaky-tests`.  A failure is flaky if a job of that
# name, in a workflow of that name, has a success of the same test on the same commit.
_FLAKY = """
SELECT f.name, f.classname, f.file, f.source, f.run_time, j.name, j.number, w.id, w.name,
  w.created_at, p.number
FROM test_run t JOIN job j ON j.id = t.job_id JOIN workflow w ON w.id = j.workflow_id
JOIN pipeline p ON p.id = w.pipeline_id
JOIN test_result f ON f.job_id = t.job_id AND f.result IN ('failure', 'error')
WHERE t.project_id = :project AND t.created_at >= :since AND t.failed > 0
{also}AND EXISTS (SELECT 1 FROM pipeline p2 JOIN workflow w2 ON w2.pipeline_id = p2.id
  JOIN job j2 ON j2.workflow_id = w2.id JOIN test_result s ON s.job_id = j2.id
  WHERE p2.project_id = t.project_id AND p2.revision = p.revision AND w2.name = w.name
  AND j2.name = j.name AND s.name = f.name AND s.classname = f.classname
  AND s.result = 'success')
ORDER BY w.created_at DESC, w.id DESC LIMIT :limit
"""


def flaky(sql: Sql, project: ProjectId, since: Micros) -> list[FlakyTest]:
    """Return tests that passed and failed on one commit, those that did it most first."""
    found: dict[TestKey, list[Row]] = {}
    statement = _FLAKY.format(also="")
    for row in sql.all(statement, project=project, since=since, limit=MOST_FAILURES):
        key = TestKey(name=row[0], classname=row[1], job=row[5])
        found.setdefault(key, []).append(row)
    made = [
        FlakyTest(
            key=key,
            file=rows[0][2] or "",
            source=rows[0][3],
            times=len(rows),
            wasted_seconds=sum(row[4] for row in rows),
            workflow_id=WorkflowId(rows[0][7]),
            workflow_name=rows[0][8],
            workflow_created_at=Micros(rows[0][9]),
            pipeline_number=rows[0][10],
            job_number=rows[0][6],
        )
        for key, rows in found.items()
    ]
    return sorted(made, key=lambda test: (-test.times, test.key.name))


def flaky_of(
    sql: Sql, project: ProjectId, since: Micros, job: str, names: Sequence[str]
) -> set[tuple[str, str]]:
    """Return which tests of a job are flaky, each by its class and name."""
    marks, values = placeholders("name", names)
    statement = _FLAKY.format(also=f"AND j.name = :job AND f.name IN ({marks})\n")
    limit = MOST_FAILURES
    rows = sql.all(statement, project=project, since=since, job=job, limit=limit, **values)
    return {(row[1], row[0]) for row in rows}


def recent(
    sql: Sql, project: ProjectId, workflow: str, branch: str | None, most: int
) -> tuple[list[TestRunView], list[TestFigures]]:
    """Return the newest runs of a workflow that have test results, and what their tests did."""
    where, values = "", {"project": project, "workflow": workflow, "limit": most}
    if branch is not None:
        where = " AND p.branch = :branch"
        values["branch"] = branch
    runs = sql.all(
        "SELECT w.id, p.number FROM workflow w JOIN pipeline p ON p.id = w.pipeline_id"
        f" WHERE w.project_id = :project AND w.name = :workflow{where}"
        " AND EXISTS (SELECT 1 FROM job j JOIN test_run t ON t.job_id = j.id"
        " WHERE j.workflow_id = w.id AND t.total > 0)"
        " ORDER BY w.created_at DESC, w.id DESC LIMIT :limit",
        **values,
    )
    if not runs:
        return [], []
    return [_counts(sql, row) for row in runs], _figures(sql, [row[0] for row in runs])


def _counts(sql: Sql, run: Row) -> TestRunView:
    rows = sql.all(
        "SELECT r.result, count(*) FROM job j JOIN test_result r ON r.job_id = j.id"
        " WHERE j.workflow_id = :id GROUP BY r.result",
        id=run[0],
    )
    counts: dict[str, int] = dict(rows)
    return TestRunView(
        pipeline_number=run[1],
        workflow_id=WorkflowId(run[0]),
        error=counts.get("error", 0),
        failure=counts.get("failure", 0),
        skipped=counts.get("skipped", 0),
        success=counts.get("success", 0),
    )


def _figures(sql: Sql, runs: list[str]) -> list[TestFigures]:
    names, values = placeholders("run", runs)
    rows = sql.all(
        "SELECT r.name, r.classname, j.name, max(coalesce(r.file, '')), max(r.source), count(*),"
        " sum(CASE WHEN r.result IN ('failure', 'error') THEN 1 ELSE 0 END), max(r.run_time)"
        " FROM job j JOIN test_result r ON r.job_id = j.id"
        f" WHERE j.workflow_id IN ({names}) GROUP BY r.name, r.classname, j.name",
        **values,
    )
    return [
        TestFigures(
            key=TestKey(name=row[0], classname=row[1], job=row[2]),
            file=row[3],
            source=row[4],
            runs=row[5],
            failed=int(row[6]),
            slowest_seconds=float(row[7]),
        )
        for row in rows
    ]
