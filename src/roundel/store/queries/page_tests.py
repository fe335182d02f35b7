"""Tests by a part of their name, among those of the newest runs."""

from collections.abc import Sequence

from roundel.domain.ids import ProjectId, WorkflowId
from roundel.domain.page_views import FoundTest
from roundel.store.dialect import Row, Sql, inside, like, placeholders
from roundel.store.rows import slug_of

PROJECTS = 20  # that are looked through
PIPELINES = 30  # of each, the newest
MOST_TESTS = 50_000  # results that are looked at, whatever was found by then

# Who needs it: the search.  `run` walks the newest pipelines of one project by its index.
_RUNS = """
SELECT t.job_id, t.total, j.name, j.number, w.id, p.number, o.vcs || '/' || o.name || '/' || r.name
FROM (SELECT id, number, project_id, created_at FROM pipeline WHERE project_id = :project
  ORDER BY created_at DESC, id DESC LIMIT :look) p
JOIN workflow w ON w.pipeline_id = p.id JOIN job j ON j.workflow_id = w.id
JOIN test_run t ON t.job_id = j.id
JOIN project r ON r.id = p.project_id JOIN organization o ON o.id = r.organization_id
WHERE j.number IS NOT NULL AND t.total > 0
ORDER BY p.created_at DESC, t.created_at DESC
"""


def find_tests(
    sql: Sql, projects: Sequence[ProjectId], text: str, limit: int
) -> Sequence[FoundTest]:
    """Return tests with this in their name or class, each as the newest run of its job has it."""
    runs = _newest_runs(sql, projects)
    if not runs:
        return []
    names, values = placeholders("job", list(runs))
    rows = sql.all(
        "SELECT job_id, name, classname, result FROM test_result"
        f" WHERE job_id IN ({names})"
        f" AND ({like('name', 'text')} OR {like('classname', 'text')})"
        " ORDER BY job_id DESC, number LIMIT :limit",
        text=inside(text),
        limit=limit,
        **values,
    )
    return [_found(row, runs[row[0]]) for row in rows]


def _newest_runs(sql: Sql, projects: Sequence[ProjectId]) -> dict[str, Row]:
    """Return the newest run of each job that has tests, by its id, as many as may be looked at."""
    runs: dict[str, Row] = {}
    left = MOST_TESTS
    for project in projects[:PROJECTS]:
        known: set[str] = set()
        for row in sql.all(_RUNS, project=project, look=PIPELINES):
            if row[2] not in known and row[1] <= left:
                known.add(row[2])
                runs[row[0]] = row
                left -= row[1]
    return runs


def _found(row: Row, run: Row) -> FoundTest:
    return FoundTest(
        name=row[1],
        classname=row[2],
        result=row[3],
        job_name=run[2],
        job_number=run[3],
        workflow_id=WorkflowId(run[4]),
        pipeline_number=run[5],
        project_slug=slug_of(run[6]),
    )
