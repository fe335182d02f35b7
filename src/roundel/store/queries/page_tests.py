"""Tests by a part of their name among those of the newest runs, and what became of them before."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import ProjectId, WorkflowId
from roundel.domain.jobs import Job
from roundel.domain.page_views import FoundTest, PastRun, TestName, TestPast
from roundel.store.dialect import Row, Sql, inside, like, placeholders
from roundel.store.owner_rows import slug_of
from roundel.store.queries.tests import flaky_of

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


PAST_JOBS = 50  # of that name, the newest before one, among which runs with tests are looked for
PAST_RUNS = 10  # that are shown

# Who needs it: a job's page, for the tests that failed.
_EARLIER = """
SELECT j.id, j.number, w.id, p.number, t.total
FROM (SELECT id, number, workflow_id, created_at FROM job
  WHERE project_id = :project AND name = :name AND (created_at, id) < (:created_at, :id)
  ORDER BY created_at DESC, id DESC LIMIT :look) j
JOIN test_run t ON t.job_id = j.id JOIN workflow w ON w.id = j.workflow_id
JOIN pipeline p ON p.id = w.pipeline_id
WHERE j.number IS NOT NULL AND t.total > 0
ORDER BY j.created_at DESC, j.id DESC LIMIT :runs
"""


def pasts(
    sql: Sql, job: Job, tests: Sequence[TestName], since: Micros
) -> Mapping[TestName, TestPast]:
    """Return what is known of tests of a job from before it, each by its class and name."""
    if not tests:
        return {}
    names = sorted({name for _, name in tests})
    flaky = flaky_of(sql, job.project_id, since, job.name, names)
    earlier = _earlier(sql, job)
    results = _results(sql, list(earlier), names)
    return {
        test: TestPast(
            runs=tuple(
                PastRun(
                    result=results[id_, test],
                    job_number=run[1],
                    workflow_id=WorkflowId(run[2]),
                    pipeline_number=run[3],
                )
                for id_, run in reversed(earlier.items())
                if (id_, test) in results
            ),
            flaky=test in flaky,
        )
        for test in tests
    }


def _earlier(sql: Sql, job: Job) -> dict[str, Row]:
    """Return earlier runs with tests by their jobs' ids, the newest first, as many as may be."""
    left, found = MOST_TESTS, {}
    for row in sql.all(
        _EARLIER,
        project=job.project_id,
        name=job.name,
        created_at=job.created_at,
        id=job.id,
        look=PAST_JOBS,
        runs=PAST_RUNS,
    ):
        left -= row[4]
        if left < 0:
            break
        found[row[0]] = row
    return found


def _results(
    sql: Sql, jobs: Sequence[str], names: Sequence[str]
) -> dict[tuple[str, TestName], str]:
    """Return the worst result of each test in each job: one may have run on several nodes."""
    if not jobs:
        return {}
    ids, by_id = placeholders("job", jobs)
    marks, by_name = placeholders("name", names)
    found: defaultdict[tuple[str, TestName], set[str]] = defaultdict(set)
    for job, name, classname, result in sql.all(
        "SELECT job_id, name, classname, result FROM test_result"
        f" WHERE job_id IN ({ids}) AND name IN ({marks})",
        **by_id,
        **by_name,
    ):
        found[job, (classname, name)].add(result)
    return {key: min(results, key=_WORST.index) for key, results in found.items()}


_WORST = ("error", "failure", "success", "skipped")
