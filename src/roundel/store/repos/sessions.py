"""Sessions of the pages, passwords and invitations."""

from roundel.domain.access import Role
from roundel.domain.clock import Micros
from roundel.domain.ids import OrganizationId, PersonId
from roundel.domain.sessions import Invitation, Session
from roundel.store.dialect import Row, Sql
from roundel.store.rows import values_of

INVITATION = "digest, organization_id, role, invited_by, created_at, expires_at"


def invitation_of(row: Row) -> Invitation:
    """Read an invitation."""
    return Invitation(
        digest=bytes(row[0]),
        organization_id=OrganizationId(row[1]),
        role=Role(row[2]),
        invited_by=PersonId(row[3]),
        created_at=Micros(row[4]),
        expires_at=Micros(row[5]),
    )


class SqlSessions:
    """Implements `domain.sessions.Sessions`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, session: Session) -> None:
        """Add a session."""
        names = "digest, person_id, token_id, created_at, seen_at"
        self._sql.run(
            f"INSERT INTO session ({names}) VALUES ({values_of(names)})",
            digest=session.digest,
            person_id=session.person_id,
            token_id=session.token_id,
            created_at=session.created_at,
            seen_at=session.seen_at,
        )

    def seen(self, digest: bytes, at: Micros) -> None:
        """Write down that somebody looked at a page."""
        self._sql.run(
            "UPDATE session SET seen_at = :at WHERE digest = :digest AND seen_at < :at",
            digest=digest,
            at=at,
        )

    def remove(self, digest: bytes) -> None:
        """End a session."""
        self._sql.run("DELETE FROM session WHERE digest = :digest", digest=digest)

    def remove_over(self, seen_before: Micros, created_before: Micros) -> int:
        """Remove sessions that were last seen, or began, before a time; return how many."""
        return self._sql.run(
            "DELETE FROM session WHERE seen_at < :seen OR created_at < :created",
            seen=seen_before,
            created=created_before,
        )

    def set_password(self, person_id: PersonId, hashed: str, at: Micros) -> None:
        """Keep a password's hash in place of the one before, and end the person's sessions."""
        self._sql.run(
            "INSERT INTO password (person_id, hash, changed_at) VALUES (:person, :hash, :at)"
            " ON CONFLICT (person_id) DO UPDATE SET hash = excluded.hash,"
            " changed_at = excluded.changed_at",
            person=person_id,
            hash=hashed,
            at=at,
        )
        self._sql.run("DELETE FROM session WHERE person_id = :person", person=person_id)

    def invite(self, invitation: Invitation) -> None:
        """Add an invitation."""
        self._sql.run(
            f"INSERT INTO invitation ({INVITATION}) VALUES ({values_of(INVITATION)})",
            digest=invitation.digest,
            organization_id=invitation.organization_id,
            role=invitation.role.value,
            invited_by=invitation.invited_by,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
        )

    def withdraw_invitation(self, organization: OrganizationId, digest: bytes) -> bool:
        """Remove an invitation that was not used; tell whether there was one."""
        removed = self._sql.run(
            "DELETE FROM invitation WHERE digest = :digest"
            " AND organization_id = :organization AND used_at IS NULL",
            digest=digest,
            organization=organization,
        )
        return removed > 0

    def take_invitation(self, digest: bytes, at: Micros) -> Invitation | None:
        """Use an invitation up; None if there is none, it was used, or its time is over."""
        row = self._sql.one(
            f"SELECT {INVITATION} FROM invitation WHERE digest = :digest", digest=digest
        )
        used = self._sql.run(
            "UPDATE invitation SET used_at = :at"
            " WHERE digest = :digest AND used_at IS NULL AND expires_at > :at",
            digest=digest,
            at=at,
        )
        return invitation_of(row) if row is not None and used else None
