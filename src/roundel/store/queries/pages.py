"""What pages show and the API does not.  Everything is bounded: no page walks a history."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from roundel.domain.clock import Micros
from roundel.domain.flows import WorkflowStatus
from roundel.domain.ids import ExecutionId, PipelineId, ProjectId, WorkflowId
from roundel.domain.jobs import FAILURES, JobStatus
from roundel.domain.page_views import (
    LOOKED_THROUGH,
    WORKFLOWS_OF,
    Failure,
    LeftOut,
    PipelineFilter,
    PipelineLine,
    PipelinePage,
    Standing,
    WorkflowLine,
    standing_of,
)
from roundel.domain.pipelines import PipelineState
from roundel.domain.views import NodeView, PipelineView
from roundel.domain.workflows import Workflow
from roundel.store.database import Database
from roundel.store.dialect import Row, Sql, placeholders
from roundel.store.queries.jobs import node
from roundel.store.queries.pipelines import SELECT_PIPELINE, pipeline, view_of
from roundel.store.rows import (
    PIPELINE,
    PIPELINE_WIDTH,
    WORKFLOW,
    WORKFLOW_WIDTH,
    columns,
    pipeline_of,
    slug_of,
    workflow_of,
)

MOST_PROJECTS = 200  # of one list; whoever has more chooses one
BRANCHES_OF = 20  # projects whose recent branches are offered
BRANCHES_IN = 300  # pipelines of each
_HIGHEST = "\U0010ffff"  # sorts behind every text that begins alike


class SqlPageReads:
    """Implements `domain.page_views.PageReads`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    async def pipelines(
        self,
        wanted: PipelineFilter,
        *,
        before: tuple[Micros, PipelineId] | None = None,
        limit: int = 30,
    ) -> PipelinePage:
        """Return pipelines, newest first."""
        return await self._read(lambda sql: _page(sql, wanted, before, limit))

    async def line(self, pipeline_id: PipelineId) -> PipelineLine | None:
        """Return one pipeline as a list has it."""

        def read(sql: Sql) -> PipelineLine | None:
            found = pipeline(sql, pipeline_id)
            return None if found is None else _lines(sql, [found])[0]

        return await self._read(read)

    async def branches(self, projects: Sequence[ProjectId], *, limit: int = 50) -> Sequence[str]:
        """Return the branches of recent pipelines, by name."""
        return await self._read(lambda sql: _branches(sql, projects, limit))

    async def search(
        self, projects: Sequence[ProjectId], text: str, *, limit: int = 20
    ) -> Sequence[PipelineView]:
        """Return pipelines by their number, the beginning of their commit, or their branch."""
        return await self._read(lambda sql: _search(sql, projects, text, limit))

    async def excluded(self, workflow_id: WorkflowId) -> Sequence[LeftOut]:
        """Return the jobs of a workflow that a filter keeps from running."""
        return await self._read(lambda sql: _excluded(sql, workflow_id))

    async def node(self, execution_id: ExecutionId) -> NodeView | None:
        """Return a node of a job with its steps, by its execution."""
        return await self._read(lambda sql: node(sql, execution_id))

    async def plan_text(self, pipeline_id: PipelineId) -> str | None:
        """Return a pipeline's plan as it is stored."""
        row = await self._read(
            lambda sql: sql.one(
                "SELECT d.text FROM pipeline p JOIN document d ON d.hash = p.plan WHERE p.id = :id",
                id=pipeline_id,
            )
        )
        return None if row is None else row[0]

    async def failures(self, project_id: ProjectId, *, limit: int = 30) -> Sequence[Failure]:
        """Return the newest failed workflows of a project."""
        return await self._read(lambda sql: _failures(sql, project_id, limit))

    async def newest_status(
        self, project_id: ProjectId, branch: str, workflow: str | None
    ) -> Standing | None:
        """Return how the newest pipeline of a branch stands, or a workflow of it by name."""
        return await self._read(lambda sql: _newest(sql, project_id, branch, workflow))


def _page(
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
            reached.append(_key(rows[-1]))
        found += _fitting(sql, rows, wanted) if filtered else rows
    found.sort(key=_key, reverse=True)
    # What lies behind the point that one project's look has reached may not be shown yet.
    border = max(reached, default=None)
    shown = [row for row in found if border is None or _key(row) >= border]
    following = None
    if len(shown) > limit:
        shown = shown[:limit]
        following = _key(shown[-1])
    elif border is not None:
        following = border
    return PipelinePage(
        lines=tuple(_lines(sql, [view_of(row) for row in shown])), following=following
    )


def _key(row: Row) -> tuple[Micros, PipelineId]:
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
    newest = _newest_runs(sql, [row[0] for row in rows])
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


def _newest_runs(sql: Sql, pipelines: Sequence[str]) -> dict[str, list[Workflow]]:
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


def _lines(sql: Sql, views: Sequence[PipelineView]) -> list[PipelineLine]:
    """Return rows of a list, with the last run of each workflow and how its jobs stand."""
    ids = [view.pipeline.id for view in views]
    newest = _newest_runs(sql, ids)
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


def _branches(sql: Sql, projects: Sequence[ProjectId], limit: int) -> list[str]:
    names: set[str] = set()
    for project in projects[:BRANCHES_OF]:
        rows = sql.all(
            "SELECT DISTINCT branch FROM (SELECT branch FROM pipeline WHERE project_id = :project"
            " ORDER BY created_at DESC, id DESC LIMIT :look) recent WHERE branch IS NOT NULL",
            project=project,
            look=BRANCHES_IN,
        )
        names.update(row[0] for row in rows)
        if len(names) >= limit:
            break
    return sorted(names)[:limit]


def _search(sql: Sql, projects: Sequence[ProjectId], text: str, limit: int) -> list[PipelineView]:
    found: dict[str, Row] = {}
    for project in projects[:MOST_PROJECTS]:
        for where, values in _searches(text):
            rows = sql.all(
                f"{SELECT_PIPELINE} WHERE p.project_id = :project AND {where}"
                " ORDER BY p.created_at DESC, p.id DESC LIMIT :limit",
                project=project,
                limit=limit,
                **values,
            )
            found.update((row[0], row) for row in rows)
    rows = sorted(found.values(), key=_key, reverse=True)
    return [view_of(row) for row in rows[:limit]]


def _searches(text: str) -> list[tuple[str, dict[str, object]]]:
    """Return what to look for: each of these walks an index from where the text begins."""
    ranged: dict[str, object] = {"low": text, "high": text + _HIGHEST}
    searches: list[tuple[str, dict[str, object]]] = [
        ("p.branch >= :low AND p.branch < :high", ranged)
    ]
    digits = text.removeprefix("#")
    if digits.isascii() and digits.isdigit() and len(digits) < 10:
        searches.append(("p.number = :number", {"number": int(digits)}))
    lower = text.lower()
    if 4 <= len(lower) <= 64 and all(letter in "0123456789abcdef" for letter in lower):
        commit: dict[str, object] = {"low": lower, "high": lower + "g"}
        searches.append(("p.revision >= :low AND p.revision < :high", commit))
    return searches


def _excluded(sql: Sql, workflow_id: WorkflowId) -> list[LeftOut]:
    rows = sql.all(
        "SELECT w.name, s.name, s.excluded FROM workflow_job s JOIN workflow w"
        " ON w.id = s.workflow_id WHERE s.workflow_id = :id AND s.excluded IS NOT NULL"
        " ORDER BY s.position",
        id=workflow_id,
    )
    return [LeftOut(workflow=workflow, job=job, reason=why) for workflow, job, why in rows]


def _failures(sql: Sql, project_id: ProjectId, limit: int) -> list[Failure]:
    """Look through a project's recent pipelines for workflows that failed."""
    rows = sql.all(
        f"SELECT {columns(WORKFLOW, 'w')}, {columns(PIPELINE, 'p')}, j.slug FROM"
        " (SELECT * FROM pipeline WHERE project_id = :project"
        "  ORDER BY created_at DESC, id DESC LIMIT :look) p"
        " JOIN workflow w ON w.pipeline_id = p.id JOIN project j ON j.id = p.project_id"
        " WHERE w.status IN ('failed', 'error', 'unauthorized')"
        " ORDER BY w.created_at DESC, w.id DESC LIMIT :limit",
        project=project_id,
        look=LOOKED_THROUGH,
        limit=limit,
    )
    failed = _failed_jobs(sql, [row[0] for row in rows])
    found = []
    for row in rows:
        workflow = workflow_of(row)
        pipe = pipeline_of(row[WORKFLOW_WIDTH:])
        found.append(
            Failure(
                workflow=workflow,
                project_slug=slug_of(row[WORKFLOW_WIDTH + PIPELINE_WIDTH]),
                pipeline_number=pipe.number,
                branch=pipe.ref.branch,
                tag=pipe.ref.tag,
                subject="" if pipe.commit is None else pipe.commit.subject,
                author=pipe.trigger.actor_login,
                failed_jobs=tuple(failed.get(workflow.id, ())),
            )
        )
    return found


def _failed_jobs(sql: Sql, workflows: Sequence[str]) -> Mapping[str, list[str]]:
    if not workflows:
        return {}
    marks, values = placeholders("id", workflows)
    names, statuses = placeholders("status", sorted(FAILURES))
    found: defaultdict[str, list[str]] = defaultdict(list)
    for workflow, name in sql.all(
        f"SELECT workflow_id, name FROM job WHERE workflow_id IN ({marks})"
        f" AND status IN ({names}) ORDER BY name",
        **values,
        **statuses,
    ):
        found[workflow].append(name)
    return found


def _newest(sql: Sql, project_id: ProjectId, branch: str, workflow: str | None) -> Standing | None:
    row = sql.one(
        "SELECT id, state FROM pipeline WHERE project_id = :project AND branch = :branch"
        " ORDER BY created_at DESC, id DESC LIMIT 1",
        project=project_id,
        branch=branch,
    )
    if row is None:
        return None
    runs = _newest_runs(sql, [row[0]]).get(row[0], [])
    if workflow is None:
        return standing_of(PipelineState(row[1]), [run.status for run in runs])
    named = [run.status for run in runs if run.name == workflow]
    return standing_of(PipelineState.CREATED, named) if named else None
