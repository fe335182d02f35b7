"""Workflows and their jobs as lists and details show them."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import JobId, OrganizationId, PipelineId, WorkflowId
from roundel.domain.views import SlotView, WorkflowView
from roundel.store.dialect import Row, Sql, placeholders
from roundel.store.owner_rows import slug_of
from roundel.store.rows import (
    JOB,
    JOB_WIDTH,
    WORKFLOW,
    WORKFLOW_WIDTH,
    columns,
    job_of,
    requirements_of,
    workflow_of,
)

_SELECT = (
    f"SELECT {columns(WORKFLOW, 'w')}, j.slug, j.organization_id, p.number FROM workflow w"
    " JOIN project j ON j.id = w.project_id JOIN pipeline p ON p.id = w.pipeline_id"
)


def _view(row: Row) -> WorkflowView:
    return WorkflowView(
        workflow=workflow_of(row),
        project_slug=slug_of(row[WORKFLOW_WIDTH]),
        organization_id=OrganizationId(row[WORKFLOW_WIDTH + 1]),
        pipeline_number=row[WORKFLOW_WIDTH + 2],
    )


def workflows(
    sql: Sql,
    pipeline_id: PipelineId,
    *,
    after: tuple[Micros, WorkflowId] | None,
    limit: int,
) -> list[WorkflowView]:
    """Return a pipeline's workflows in the order of their creation."""
    where = "w.pipeline_id = :pipeline"
    values: dict[str, object] = {"pipeline": pipeline_id, "limit": limit}
    if after is not None:
        where += " AND (w.created_at, w.id) > (:created_at, :id)"
        values["created_at"], values["id"] = after
    rows = sql.all(f"{_SELECT} WHERE {where} ORDER BY w.created_at, w.id LIMIT :limit", **values)
    return [_view(row) for row in rows]


def workflow(sql: Sql, workflow_id: WorkflowId) -> WorkflowView | None:
    """Return a workflow."""
    row = sql.one(f"{_SELECT} WHERE w.id = :id", id=workflow_id)
    return None if row is None else _view(row)


_SLOTS = (
    f"SELECT {columns(JOB, 'j')}, s.requires, s.name, s.workflow_id"
    " FROM workflow_job s JOIN job j ON j.id = s.job_id"
)


def slots(sql: Sql, workflow_id: WorkflowId) -> list[SlotView]:
    """Return all jobs of a workflow in the order of the config; excluded ones are left out."""
    return _slots(
        sql.all(f"{_SLOTS} WHERE s.workflow_id = :id ORDER BY s.position", id=workflow_id)
    )


def slots_of(sql: Sql, workflows: Sequence[WorkflowId]) -> dict[WorkflowId, list[SlotView]]:
    """Return the same of several workflows."""
    if not workflows:
        return {}
    names, values = placeholders("id", workflows)
    found: dict[WorkflowId, list[Row]] = {it: [] for it in workflows}
    where = f"s.workflow_id IN ({names}) ORDER BY s.workflow_id, s.position"
    for row in sql.all(f"{_SLOTS} WHERE {where}", **values):
        found[row[JOB_WIDTH + 2]].append(row)
    return {it: _slots(rows) for it, rows in found.items()}


def _slots(rows: Sequence[Row]) -> list[SlotView]:
    ids = {row[JOB_WIDTH + 1]: JobId(row[0]) for row in rows}
    views = []
    for row in rows:
        requires = tuple(need for need in requirements_of(row[JOB_WIDTH]) if need.job in ids)
        dependencies = tuple(ids[need.job] for need in requires)
        views.append(SlotView(job=job_of(row), requires=requires, dependencies=dependencies))
    return views
