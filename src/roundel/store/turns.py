"""Turns: which project's work is next, so that a busy one does not keep the others waiting."""

from collections import Counter
from collections.abc import Iterator

from roundel.domain.ids import ProjectId
from roundel.domain.settings import NO_LIMIT
from roundel.store.dialect import Sql
from roundel.store.owner_rows import organization_settings_of, project_settings_of

# Who needs it: every claim.  The recursion hops from one waiting project to the next in the index
# of the queue, so its cost is that of the projects that wait, however long their queues are.
_WAITING = (
    "WITH RECURSIVE waiting (project_id) AS ("
    "SELECT MIN(project_id) FROM execution WHERE status = 'queued' AND lane = :lane UNION ALL "
    "SELECT (SELECT MIN(e.project_id) FROM execution e WHERE e.status = 'queued'"
    " AND e.lane = :lane AND e.project_id > w.project_id)"
    " FROM waiting w WHERE w.project_id IS NOT NULL)"
    " SELECT p.id, p.settings, o.id, o.settings,"
    " (SELECT COUNT(*) FROM execution e WHERE e.project_id = p.id"
    " AND e.status IN ('claimed', 'running')) AS busy,"
    " COALESCE((SELECT t.served_at FROM claim_turn t"
    " WHERE t.lane = :lane AND t.project_id = p.id), 0) AS served"
    " FROM waiting w JOIN project p ON p.id = w.project_id"
    " JOIN organization o ON o.id = p.organization_id ORDER BY busy, served, p.id"
)

# Who needs it: claims in an organisation with a limit.
_BUSY_IN = (
    "SELECT COUNT(*) FROM execution e JOIN project p ON p.id = e.project_id"
    " WHERE p.organization_id = :id AND e.status IN ('claimed', 'running')"
)


def turns(sql: Sql, lane: str) -> Iterator[ProjectId]:
    """Yield the projects that may be served now: with the least at work first, then by turns.

    Those that are at their own limit, or at that of their organisation, are left out.
    """
    busy_in: Counter[str] = Counter()
    for project, settings, organization, common, busy, _ in sql.all(_WAITING, lane=lane):
        if busy >= (project_settings_of(settings).max_running_jobs or NO_LIMIT):
            continue
        limit = organization_settings_of(common).max_running_jobs
        if limit is not None:
            if organization not in busy_in:
                row = sql.one(_BUSY_IN, id=organization)
                busy_in[organization] = 0 if row is None else int(row[0])
            if busy_in[organization] >= limit:
                continue
        yield ProjectId(project)


def note_turn(sql: Sql, lane: str, project: str, at: int) -> None:
    """Note that a project was served, so that the others come before it is again."""
    sql.put(
        "INSERT INTO claim_turn (lane, project_id, served_at) VALUES (:lane, :project, :at)"
        " ON CONFLICT (lane, project_id) DO UPDATE SET served_at = excluded.served_at",
        lane=lane,
        project=project,
        at=at,
    )
