"""Lists of pipelines with what is in each row.  All is bounded: no page walks a history."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from roundel.domain.clock import Micros
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import PipelineId, ProjectId
from roundel.domain.jobs import JobStatus
from roundel.domain.page_views import (
    LOOKED_THROUGH,
    WORKFLOWS_OF,
    PipelineFilter,
    PipelineLine,
    PipelinePage,
    Standing,
    WorkflowLine,
    standing_of,
)
from roundel.domain.pipelines import PipelineState
from roundel.domain.views import PipelineView
from roundel.domain.workflows import Workflow
from roundel.store.dialect import Row, Sql, placeholders
from roundel.store.queries.pipelines import SELECT_PIPELINE, view_of
from roundel.store.rows import (
    WORKFLOW,
    workflow_of,
)

MOST_PROJECTS = 200  # of one list; whoever has more chooses one


def page(
    sql: Sql, wanted: PipelineFilter, before: tuple[Micros, PipelineId] | None, limit: int
) -> PipelinePage:
    """Each project gives at most a page by its own index; the newest of all are kept."""
    filtered = wanted.standing is not None or wanted.trigger is not None
    look = LOOKED_THROUGH if filtered else limit + 1
    found: list[Row] = []
    reached: list[tuple[Micros, PipelineId]] = []  # where the looking ended before its time
    for project in wanted.projects[:MOST_PROJECTS]:
        rows = _recent(sql, project, wanted, before, look)
        if len(rows) == look and filtered:
            reached.append(key_of(rows[-1]))
        found += _fitting(sql, rows, wanted) if filtered else rows
    found.sort(key=key_of, reverse=True)
    # What lies behind the point that one project's look has reached may not be shown yet.
    border = max(reached, default=None)
    shown = [row for row in found if border is None or key_of(row) >= border]
    following = None
    if len(shown) > limit:
        shown = shown[:limit]
        following = key_of(shown[-1])
    elif border is not None:
        following = border
    return PipelinePage(
        lines=tuple(lines_of(sql, [view_of(row) for row in shown])), following=following
    )


def key_of(row: Row) -> tuple[Micros, PipelineId]:
    return Micros(row[18]), PipelineId(row[0])  # created_at, id


def _recent(
    sql: Sql,
    project: ProjectId,
    wanted: PipelineFilter,
    before: tuple[Micros, PipelineId] | None,
    limit: int,
) -> list[Row]:
    where = ["p.project_id = :project"]
    values: dict[str, object] = {"project": project, "limit": limit}
    if wanted.branch is not None:
        where.append("p.branch = :branch")
        values["branch"] = wanted.branch
    if wanted.actor_id is not None:
        where.append("p.actor_id = :actor")
        values["actor"] = wanted.actor_id
    if before is not None:
        where.append("(p.created_at, p.id) < (:created_at, :id)")
        values["created_at"], values["id"] = before
    return sql.all(
        f"{SELECT_PIPELINE} WHERE {' AND '.join(where)}"
        " ORDER BY p.created_at DESC, p.id DESC LIMIT :limit",
        **values,
    )


def _fitting(sql: Sql, rows: Sequence[Row], wanted: PipelineFilter) -> list[Row]:
    """Return the rows that the filters without an index let through."""
    if wanted.trigger is not None:
        rows = [row for row in rows if row[4] == wanted.trigger.value]
    if wanted.standing is None or not rows:
        return list(rows)
    newest = newest_runs(sql, [row[0] for row in rows])
    return [
        row
        for row in rows
        if wanted.standing
        in _standings(PipelineState(row[3]), [it.status for it in newest.get(row[0], ())])
    ]


def _standings(state: PipelineState, statuses: Sequence[WorkflowStatus]) -> set[Standing]:
    """Return all that a filter finds a pipeline by: any of its workflows, or itself."""
    found = {standing_of(state, statuses)}
    return found | {one for one, those in WORKFLOWS_OF.items() if those.intersection(statuses)}


def newest_runs(sql: Sql, pipelines: Sequence[str]) -> dict[str, list[Workflow]]:
    """Return the last run of each workflow of pipelines, in the order of their first runs."""
    marks, values = placeholders("id", pipelines)
    if not pipelines:
        return {}
    newest: defaultdict[str, dict[str, Workflow]] = defaultdict(dict)
    for row in sql.all(
        f"SELECT {WORKFLOW} FROM workflow WHERE pipeline_id IN ({marks}) ORDER BY created_at, id",
        **values,
    ):
        workflow = workflow_of(row)
        newest[workflow.pipeline_id][workflow.name] = workflow
    return {pipeline: list(runs.values()) for pipeline, runs in newest.items()}


def lines_of(sql: Sql, views: Sequence[PipelineView]) -> list[PipelineLine]:
    """Return rows of a list, with the last run of each workflow and how its jobs stand."""
    ids = [view.pipeline.id for view in views]
    newest = newest_runs(sql, ids)
    runs = _runs(sql, ids)
    jobs = _jobs(sql, [run.id for all_runs in newest.values() for run in all_runs])
    return [
        PipelineLine(
            view=view,
            workflows=tuple(
                WorkflowLine(
                    workflow=run,
                    jobs=jobs.get(run.id, {}),
                    runs=runs[run.pipeline_id, run.name],
                )
                for run in newest.get(view.pipeline.id, ())
            ),
        )
        for view in views
    ]


def _runs(sql: Sql, pipelines: Sequence[str]) -> Mapping[tuple[str, str], int]:
    marks, values = placeholders("id", pipelines)
    if not pipelines:
        return {}
    rows = sql.all(
        f"SELECT pipeline_id, name, count(*) FROM workflow WHERE pipeline_id IN ({marks})"
        " GROUP BY pipeline_id, name",
        **values,
    )
    return {(pipeline_id, name): count for pipeline_id, name, count in rows}


def _jobs(sql: Sql, workflows: Sequence[str]) -> Mapping[str, Mapping[JobStatus, int]]:
    marks, values = placeholders("id", workflows)
    if not workflows:
        return {}
    found: defaultdict[str, dict[JobStatus, int]] = defaultdict(dict)
    for workflow, status, count in sql.all(
        "SELECT s.workflow_id, j.status, count(*) FROM workflow_job s JOIN job j ON j.id = s.job_id"
        f" WHERE s.workflow_id IN ({marks}) GROUP BY s.workflow_id, j.status",
        **values,
    ):
        found[workflow][JobStatus(status)] = count
    return found
