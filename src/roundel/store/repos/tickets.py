"""Places in the lines for serial groups and locks."""

from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.ids import JobId, OrganizationId, WorkflowId
from roundel.domain.turns import Ticket, TurnKind
from roundel.store.dialect import Row, Sql
from roundel.store.rows import values_of

TICKET = "job_id, workflow_id, organization_id, kind, key, holder, rank, held, asked_at"


class SqlTickets:
    """Implements `domain.turns.Tickets`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, ticket: Ticket) -> None:
        """Add a ticket."""
        self._sql.run(
            f"INSERT INTO ticket ({TICKET}) VALUES ({values_of(TICKET)})",
            job_id=ticket.job_id,
            workflow_id=ticket.workflow_id,
            organization_id=ticket.organization_id,
            kind=ticket.kind.value,
            key=ticket.key,
            holder=ticket.holder,
            rank=ticket.rank,
            held=int(ticket.held),
            asked_at=ticket.asked_at,
        )

    def get(self, job_id: JobId) -> Ticket | None:
        """Return a job's ticket."""
        row = self._sql.one(f"SELECT {TICKET} FROM ticket WHERE job_id = :job", job=job_id)
        return None if row is None else _ticket_of(row)

    def of_workflow(self, workflow_id: WorkflowId) -> Sequence[Ticket]:
        """Return the tickets of a workflow's jobs."""
        rows = self._sql.all(
            f"SELECT {TICKET} FROM ticket WHERE workflow_id = :id ORDER BY job_id", id=workflow_id
        )
        return [_ticket_of(row) for row in rows]

    def line(self, organization_id: OrganizationId, kind: TurnKind, key: str) -> Sequence[Ticket]:
        """Return those who have their turn, then those who wait: by rank, then as they asked."""
        rows = self._sql.all(
            f"SELECT {TICKET} FROM ticket WHERE organization_id = :organization"
            " AND kind = :kind AND key = :key ORDER BY held DESC, rank, asked_at",
            organization=organization_id,
            kind=kind.value,
            key=key,
        )
        return [_ticket_of(row) for row in rows]

    def hold(self, job_id: JobId) -> None:
        """Note that it is this job's turn."""
        self._sql.run("UPDATE ticket SET held = 1 WHERE job_id = :job", job=job_id)

    def remove(self, job_id: JobId) -> None:
        """Remove a job's ticket."""
        self._sql.run("DELETE FROM ticket WHERE job_id = :job", job=job_id)

    def newest_rank(self, organization_id: OrganizationId, group: str) -> int:
        """Return the highest rank that ever had its turn in a serial group, 0 if none had."""
        row = self._sql.one(
            "SELECT newest_rank FROM serial_group"
            " WHERE organization_id = :organization AND name = :name",
            organization=organization_id,
            name=group,
        )
        return 0 if row is None else int(row[0])

    def note_rank(self, organization_id: OrganizationId, group: str, rank: int) -> None:
        """Note that this rank has had its turn."""
        self._sql.run(
            "INSERT INTO serial_group (organization_id, name, newest_rank)"
            " VALUES (:organization, :name, :rank) ON CONFLICT (organization_id, name)"
            " DO UPDATE SET newest_rank = excluded.newest_rank"
            " WHERE excluded.newest_rank > serial_group.newest_rank",
            organization=organization_id,
            name=group,
            rank=rank,
        )


def _ticket_of(row: Row) -> Ticket:
    return Ticket(
        job_id=JobId(row[0]),
        workflow_id=WorkflowId(row[1]),
        organization_id=OrganizationId(row[2]),
        kind=TurnKind(row[3]),
        key=row[4],
        holder=row[5],
        rank=row[6],
        held=bool(row[7]),
        asked_at=Micros(row[8]),
    )
