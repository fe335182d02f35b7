"""What jobs left behind, as readers see it."""

from roundel.domain.ids import JobId
from roundel.domain.storage import BlobId, TestResult
from roundel.domain.views import ArtifactView, TestView
from roundel.store.dialect import Row, Sql

_ARTIFACT = "SELECT path, node, size, upload_id FROM artifact WHERE job_id = :job"


def artifacts(
    sql: Sql, job_id: JobId, *, after: tuple[int, str] | None, limit: int
) -> list[ArtifactView]:
    """Return a job's artifacts by node and path."""
    node, path = after if after is not None else (-1, "")
    rows = sql.all(
        f"{_ARTIFACT} AND (node > :node OR (node = :node AND path > :path))"
        " ORDER BY node, path LIMIT :limit",
        job=job_id,
        node=node,
        path=path,
        limit=limit,
    )
    return [_artifact(row) for row in rows]


def artifact(sql: Sql, job_id: JobId, node: int, path: str) -> ArtifactView | None:
    """Return one artifact."""
    row = sql.one(
        f"{_ARTIFACT} AND node = :node AND path = :path", job=job_id, node=node, path=path
    )
    return None if row is None else _artifact(row)


def _artifact(row: Row) -> ArtifactView:
    return ArtifactView(path=row[0], node=row[1], size=row[2], blob=BlobId(row[3]))


def tests(sql: Sql, job_id: JobId, *, after: int | None, limit: int) -> list[TestView]:
    """Return a job's test results in the order of their numbers."""
    rows = sql.all(
        "SELECT number, node, name, classname, file, result, run_time, message, source, line"
        " FROM test_result WHERE job_id = :job AND number > :after ORDER BY number LIMIT :limit",
        job=job_id,
        after=-1 if after is None else after,
        limit=limit,
    )
    return [
        TestView(
            number=row[0],
            node=row[1],
            test=TestResult(
                name=row[2],
                classname=row[3],
                file=row[4],
                result=row[5],
                run_time=row[6],
                message=row[7],
                source=row[8],
                line=row[9],
            ),
        )
        for row in rows
    ]
