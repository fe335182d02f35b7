"""Test results of jobs, and the times that splitting wants of them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import JobId, ProjectId, WorkflowId
from roundel.domain.storage import FailedTest, TestResult
from roundel.store.dialect import Sql

_COLUMNS = {"file": "file", "classname": "classname", "testname": "name"}


class SqlTestResults:
    """Implements `domain.keeping.TestResults`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(
        self,
        project: ProjectId,
        job: JobId,
        name: str,
        node: int,
        part: str,
        results: Sequence[TestResult],
        at: Micros,
    ) -> bool:
        """Add a part of a node's results; False if that part was there."""
        self._sql.run(
            "INSERT INTO test_run (job_id, project_id, job_name, created_at)"
            " VALUES (:job, :project, :name, :at) ON CONFLICT (job_id) DO NOTHING",
            job=job,
            project=project,
            name=name,
            at=at,
        )
        added = self._sql.run(
            "INSERT INTO test_part (job_id, node, part) VALUES (:job, :node, :part)"
            " ON CONFLICT (job_id, node, part) DO NOTHING",
            job=job,
            node=node,
            part=part,
        )
        if not added:
            return False
        counts = Counter(result.result for result in results)
        row = self._sql.one(
            "UPDATE test_run SET total = total + :total, failed = failed + :failed,"
            " skipped = skipped + :skipped WHERE job_id = :job RETURNING total",
            job=job,
            total=len(results),
            failed=counts["failure"] + counts["error"],
            skipped=counts["skipped"],
        )
        first = (row[0] if row else len(results)) - len(results)
        self._sql.each(
            "INSERT INTO test_result (job_id, number, node, name, classname, file, result,"
            " run_time, message, source, line) VALUES (:job, :number, :node, :name, :classname,"
            " :file, :result, :run_time, :message, :source, :line)",
            [
                {
                    "job": job,
                    "number": first + at_,
                    "node": node,
                    "name": result.name,
                    "classname": result.classname,
                    "file": result.file,
                    "result": result.result,
                    "run_time": result.run_time,
                    "message": result.message,
                    "source": result.source,
                    "line": result.line,
                }
                for at_, result in enumerate(results)
            ],
        )
        return True

    def timings(self, project: ProjectId, name: str, by: str, but: JobId) -> Mapping[str, float]:
        """Return seconds by file, classname or testname of the newest other job of this name."""
        column = _COLUMNS.get(by)
        if column is None:
            return {}
        # Who needs it: `circleci tests split`, on each node of a parallel job.
        rows = self._sql.all(
            f"SELECT {column}, sum(run_time) FROM test_result WHERE job_id ="
            " (SELECT job_id FROM test_run WHERE project_id = :project AND job_name = :name"
            " AND job_id <> :but AND total > 0 ORDER BY created_at DESC LIMIT 1)"
            f" AND {column} IS NOT NULL AND {column} <> '' GROUP BY {column}",
            project=project,
            name=name,
            but=but,
        )
        return {row[0]: float(row[1]) for row in rows}

    def failed(self, job: JobId, limit: int) -> Sequence[FailedTest]:
        """Return tests of a job that failed, on all its nodes."""
        # Who needs it: `circleci tests run` in a rerun of failed tests.
        rows = self._sql.all(
            "SELECT name, classname, file FROM test_result WHERE job_id = :job"
            " AND result IN ('failure', 'error') ORDER BY number LIMIT :limit",
            job=job,
            limit=limit,
        )
        return [FailedTest(name=row[0], classname=row[1], file=row[2]) for row in rows]

    def has_any(self, job: JobId) -> bool:
        """Tell whether a job has results."""
        row = self._sql.one("SELECT 1 FROM test_run WHERE job_id = :job AND total > 0", job=job)
        return row is not None

    def limit_to_failed(self, workflow: WorkflowId, of: WorkflowId) -> None:
        """Let the jobs of a workflow run only the tests that failed in another one."""
        self._sql.run(
            "INSERT INTO failed_tests_of (workflow_id, failed_in) VALUES (:workflow, :of)",
            workflow=workflow,
            of=of,
        )

    def limited_to_failed_of(self, workflow: WorkflowId) -> WorkflowId | None:
        """Return the workflow whose failed tests this one runs; None if it runs all."""
        row = self._sql.one(
            "SELECT failed_in FROM failed_tests_of WHERE workflow_id = :workflow",
            workflow=workflow,
        )
        return None if row is None else WorkflowId(row[0])
