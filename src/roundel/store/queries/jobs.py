"""Jobs by number, with everything that job details show."""

from collections import defaultdict

from roundel.domain.ids import ExecutionId, JobId, OrganizationId, ProjectId
from roundel.domain.jobs import Execution
from roundel.domain.projects import Project
from roundel.domain.runners import StepReport
from roundel.domain.views import JobView, NodeView
from roundel.store.dialect import Row, Sql, placeholders
from roundel.store.owner_rows import project_of
from roundel.store.repos.projects import SELECT_PROJECT
from roundel.store.rows import (
    EXECUTION,
    JOB,
    JOB_WIDTH,
    PIPELINE,
    STEP,
    STEP_WIDTH,
    WORKFLOW,
    WORKFLOW_WIDTH,
    columns,
    execution_of,
    job_of,
    names_of,
    pipeline_of,
    requirements_of,
    step_of,
    workflow_of,
)

_SELECT = (
    f"SELECT {columns(JOB, 'j')}, {columns(WORKFLOW, 'w')}, {columns(PIPELINE, 'p')}"
    " FROM job j JOIN workflow w ON w.id = j.workflow_id JOIN pipeline p ON p.id = w.pipeline_id"
)


def job(sql: Sql, project_id: ProjectId, number: int) -> JobView | None:
    """Return a job by its number."""
    row = sql.one(
        f"{_SELECT} WHERE j.project_id = :project AND j.number = :number",
        project=project_id,
        number=number,
    )
    project = None if row is None else _project(sql, project_id)
    return None if row is None or project is None else _view(sql, row, project)


def recent_jobs(
    sql: Sql, project_id: ProjectId, *, branch: str | None, offset: int, limit: int
) -> list[JobView]:
    """Return numbered jobs, newest first: the unique index on numbers gives their order."""
    project = _project(sql, project_id)
    if project is None:
        return []
    newest = "ORDER BY j.number DESC LIMIT :limit OFFSET :offset"
    numbered = "WHERE j.project_id = :project AND j.number IS NOT NULL"
    values: dict[str, object] = {"project": project_id, "limit": limit, "offset": offset}
    if branch is None:  # the index alone is walked over what is passed by
        rows = sql.all(
            f"{_SELECT} WHERE j.id IN (SELECT * FROM (SELECT j.id FROM job j {numbered} {newest})"
            " AS found) ORDER BY j.number DESC",
            **values,
        )
    else:
        values["branch"] = branch
        rows = sql.all(f"{_SELECT} {numbered} AND p.branch = :branch {newest}", **values)
    return [_view(sql, row, project) for row in rows]


def _project(sql: Sql, project_id: ProjectId) -> Project | None:
    row = sql.one(f"{SELECT_PROJECT} WHERE p.id = :id", id=project_id)
    return None if row is None else project_of(row)


def _view(sql: Sql, row: Row, project: Project) -> JobView:
    job = job_of(row)
    contexts, upstream = _slot_facts(sql, job.workflow_id, job.id)
    return JobView(
        job=job,
        project=project,
        workflow=workflow_of(row[JOB_WIDTH:]),
        pipeline=pipeline_of(row[JOB_WIDTH + WORKFLOW_WIDTH :]),
        nodes=tuple(_nodes(sql, job.id)),
        contexts=contexts,
        upstream=upstream,
    )


def _slot_facts(
    sql: Sql, workflow_id: str, job_id: JobId
) -> tuple[tuple[str, ...], tuple[JobId, ...]]:
    """Return the contexts of a job, and the jobs that it requires."""
    row = sql.one(
        "SELECT contexts, requires FROM workflow_job WHERE workflow_id = :id AND job_id = :job",
        id=workflow_id,
        job=job_id,
    )
    if row is None:
        return (), ()
    needed = [need.job for need in requirements_of(row[1])]
    if not needed:
        return names_of(row[0]), ()
    marks, values = placeholders("name", needed)
    found = sql.all(
        f"SELECT job_id FROM workflow_job WHERE workflow_id = :id AND name IN ({marks})"
        " AND job_id IS NOT NULL ORDER BY position",
        id=workflow_id,
        **values,
    )
    return names_of(row[0]), tuple(JobId(id_) for (id_,) in found)


def _nodes(sql: Sql, job_id: JobId) -> list[NodeView]:
    """Return each node's newest attempt with its steps."""
    rows = sql.all(
        f"SELECT {EXECUTION} FROM execution WHERE job_id = :job ORDER BY node, attempt", job=job_id
    )
    newest = {execution.node: execution for execution in map(execution_of, rows)}
    return _with_steps(sql, list(newest.values()))


def node(sql: Sql, execution_id: ExecutionId) -> NodeView | None:
    """Return one node with its steps."""
    row = sql.one(f"SELECT {EXECUTION} FROM execution WHERE id = :id", id=execution_id)
    return None if row is None else _with_steps(sql, [execution_of(row)])[0]


def _with_steps(sql: Sql, executions: list[Execution]) -> list[NodeView]:
    steps: defaultdict[str, list[tuple[StepReport, int]]] = defaultdict(list)
    marks, values = placeholders("id", [execution.id for execution in executions])
    if executions:
        for row in sql.all(
            f"SELECT {STEP}, size, execution_id FROM step WHERE execution_id IN ({marks})"
            " ORDER BY execution_id, position",
            **values,
        ):
            steps[row[STEP_WIDTH + 1]].append((step_of(row), row[STEP_WIDTH]))
    return [
        NodeView(
            execution_id=execution.id,
            node=execution.node,
            status=execution.status,
            started_at=execution.started_at,
            stopped_at=execution.stopped_at,
            steps=tuple(steps[execution.id]),
        )
        for execution in executions
    ]


# Who needs it: rights on operations that name a job or its output by id.
_OWNER = "SELECT p.organization_id FROM job j JOIN project p ON p.id = j.project_id"


def numbered_job(sql: Sql, project_id: ProjectId, number: int) -> JobId | None:
    """Return the id of a job by its number."""
    row = sql.one(
        "SELECT id FROM job WHERE project_id = :project AND number = :number",
        project=project_id,
        number=number,
    )
    return None if row is None else JobId(row[0])


def job_owner(sql: Sql, job_id: JobId) -> OrganizationId | None:
    """Return whose job this is."""
    row = sql.one(f"{_OWNER} WHERE j.id = :id", id=job_id)
    return None if row is None else OrganizationId(row[0])


def execution_owner(sql: Sql, execution_id: ExecutionId) -> OrganizationId | None:
    """Return whose execution this is."""
    row = sql.one(f"{_OWNER} JOIN execution e ON e.job_id = j.id WHERE e.id = :id", id=execution_id)
    return None if row is None else OrganizationId(row[0])
