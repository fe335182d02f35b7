"""Turns: which project's work is next, so that a busy one does not keep the others waiting."""

from collections.abc import Iterator

from roundel.domain.ids import ProjectId
from roundel.domain.records import dataclass
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
    " JOIN organization o ON o.id = p.organization_id"
)

# Who needs it: claims in an organisation with a limit.
_BUSY_IN = (
    "SELECT COUNT(*) FROM execution e JOIN project p ON p.id = e.project_id"
    " WHERE p.organization_id = :id AND e.status IN ('claimed', 'running')"
)


@dataclass(slots=True)
class _InLine:
    """A project that waits in a lane."""

    project: ProjectId
    organization: str
    most: int  # jobs at a time
    most_in_organization: int | None
    served: int


class Turns:
    """Who is next in each lane, looked up once: the queues change by our own claims alone."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._lines: dict[str, list[_InLine]] = {}
        self._busy: dict[str, int] = {}  # jobs at work, by project
        self._busy_in: dict[str, int] = {}  # the same by organisation, where one has a limit

    def of(self, lane: str) -> Iterator[ProjectId]:
        """Yield the projects that may be served now: with the least at work first, then by turns.

        Those that are at their own limit, or at that of their organisation, are left out.
        """
        if lane not in self._lines:
            self._lines[lane] = self._look(lane)
        busy = self._busy
        self._lines[lane].sort(key=lambda it: (busy[it.project], it.served, it.project))
        for it in tuple(self._lines[lane]):
            if busy[it.project] < it.most and self._has_room(it):
                yield it.project

    def served(self, lane: str, project: ProjectId, at: int) -> None:
        """Note that a project was served, so that the others come before it is again."""
        self._sql.put(
            "INSERT INTO claim_turn (lane, project_id, served_at) VALUES (:lane, :project, :at)"
            " ON CONFLICT (lane, project_id) DO UPDATE SET served_at = excluded.served_at",
            lane=lane,
            project=project,
            at=at,
        )
        self._busy[project] += 1
        for it in self._lines[lane]:
            if it.project == project:
                it.served = at
                if it.organization in self._busy_in:
                    self._busy_in[it.organization] += 1

    def empty(self, lane: str, project: ProjectId) -> None:
        """Note that nothing of a project waits any more."""
        self._lines[lane] = [it for it in self._lines[lane] if it.project != project]

    def _look(self, lane: str) -> list[_InLine]:
        line = []
        for project, settings, organization, common, busy, served in self._sql.all(
            _WAITING, lane=lane
        ):
            # What was counted for another lane has had our own claims added since.
            self._busy.setdefault(project, busy)
            line.append(
                _InLine(
                    project=ProjectId(project),
                    organization=organization,
                    most=project_settings_of(settings).max_running_jobs or NO_LIMIT,
                    most_in_organization=organization_settings_of(common).max_running_jobs,
                    served=served,
                )
            )
        return line

    def _has_room(self, it: _InLine) -> bool:
        if it.most_in_organization is None:
            return True
        if it.organization not in self._busy_in:
            row = self._sql.one(_BUSY_IN, id=it.organization)
            self._busy_in[it.organization] = 0 if row is None else int(row[0])
        return self._busy_in[it.organization] < it.most_in_organization
