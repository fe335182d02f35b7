"""Searches of the pages, and the newest of something.  Each walks an index, and not far."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from heapq import nlargest

from roundel.domain.clock import Micros
from roundel.domain.ids import PipelineId, ProjectId, WorkflowId
from roundel.domain.jobs import FAILURES
from roundel.domain.page_views import (
    LOOKED_THROUGH,
    Failure,
    LeftOut,
    Standing,
    standing_of,
)
from roundel.domain.pipelines import PipelineState
from roundel.domain.views import PipelineView
from roundel.store.dialect import Sql, placeholders
from roundel.store.owner_rows import slug_of
from roundel.store.queries.page_lists import MOST_PROJECTS, key_of, newest_runs
from roundel.store.queries.pipelines import SELECT_PIPELINE, view_of
from roundel.store.rows import (
    PIPELINE,
    PIPELINE_WIDTH,
    WORKFLOW,
    WORKFLOW_WIDTH,
    columns,
    pipeline_of,
    workflow_of,
)

BRANCHES_OF = 20  # projects whose recent branches are offered
BRANCHES_IN = 300  # pipelines of each
BRANCHES_FOUND = 100  # of each project, by name, in which a search finds pipelines
_HIGHEST = "\U0010ffff"  # sorts behind every text that begins alike


def branches(sql: Sql, projects: Sequence[ProjectId], limit: int) -> list[str]:
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


def search(sql: Sql, projects: Sequence[ProjectId], text: str, limit: int) -> list[PipelineView]:
    """Find keys by the indexes first: the rest of a row is read of those that are shown."""
    found: set[tuple[Micros, PipelineId]] = set()
    for project in projects[:MOST_PROJECTS]:
        for branch in _branches_like(sql, project, text):
            found.update(_newest(sql, project, "branch = :branch", limit, branch=branch))
        for where, values in _searches(text):
            found.update(_newest(sql, project, where, limit, **values))
    newest = [id_ for _, id_ in nlargest(limit, found)]
    if not newest:
        return []
    marks, values = placeholders("id", newest)
    rows = sql.all(f"{SELECT_PIPELINE} WHERE p.id IN ({marks})", **values)
    return [view_of(row) for row in sorted(rows, key=key_of, reverse=True)]


# Steps from one branch to the next one by the index, however many pipelines each has.
_BRANCHES_LIKE = """
WITH RECURSIVE found (branch) AS (
  SELECT min(branch) FROM pipeline WHERE project_id = :project AND branch >= :low AND branch < :high
  UNION ALL
  SELECT (SELECT min(p.branch) FROM pipeline p WHERE p.project_id = :project
    AND p.branch > found.branch AND p.branch < :high)
  FROM found WHERE found.branch IS NOT NULL
)
SELECT branch FROM found WHERE branch IS NOT NULL LIMIT :most
"""


def _branches_like(sql: Sql, project: ProjectId, text: str) -> list[str]:
    """Return the first branches by name that begin so."""
    high = text + _HIGHEST
    rows = sql.all(_BRANCHES_LIKE, project=project, low=text, high=high, most=BRANCHES_FOUND)
    return [row[0] for row in rows]


def _newest(
    sql: Sql, project: ProjectId, where: str, limit: int, **values: object
) -> list[tuple[Micros, PipelineId]]:
    rows = sql.all(
        f"SELECT created_at, id FROM pipeline WHERE project_id = :project AND {where}"
        " ORDER BY created_at DESC, id DESC LIMIT :limit",
        project=project,
        limit=limit,
        **values,
    )
    return [(Micros(row[0]), PipelineId(row[1])) for row in rows]


def _searches(text: str) -> list[tuple[str, dict[str, object]]]:
    """Return what else to look for, each by an index."""
    searches: list[tuple[str, dict[str, object]]] = []
    digits = text.removeprefix("#")
    if digits.isascii() and digits.isdigit() and len(digits) < 10:
        searches.append(("number = :number", {"number": int(digits)}))
    lower = text.lower()
    if 4 <= len(lower) <= 64 and all(letter in "0123456789abcdef" for letter in lower):
        commit: dict[str, object] = {"low": lower, "high": lower + "g"}
        searches.append(("revision >= :low AND revision < :high", commit))
    return searches


def excluded(sql: Sql, workflow_id: WorkflowId) -> list[LeftOut]:
    rows = sql.all(
        "SELECT w.name, s.name, s.excluded FROM workflow_job s JOIN workflow w"
        " ON w.id = s.workflow_id WHERE s.workflow_id = :id AND s.excluded IS NOT NULL"
        " ORDER BY s.position",
        id=workflow_id,
    )
    return [LeftOut(workflow=workflow, job=job, reason=why) for workflow, job, why in rows]


def failures(sql: Sql, project_id: ProjectId, limit: int) -> list[Failure]:
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


def newest_status(
    sql: Sql, project_id: ProjectId, branch: str, workflow: str | None
) -> Standing | None:
    row = sql.one(
        "SELECT id, state FROM pipeline WHERE project_id = :project AND branch = :branch"
        " ORDER BY created_at DESC, id DESC LIMIT 1",
        project=project_id,
        branch=branch,
    )
    if row is None:
        return None
    runs = newest_runs(sql, [row[0]]).get(row[0], [])
    if workflow is None:
        return standing_of(PipelineState(row[1]), [run.status for run in runs])
    named = [run.status for run in runs if run.name == workflow]
    return standing_of(PipelineState.CREATED, named) if named else None
