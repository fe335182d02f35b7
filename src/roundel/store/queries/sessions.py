"""Who is signed in, and by what one may sign in."""

from collections.abc import Sequence

import msgspec

from roundel.domain.access import Need, Token
from roundel.domain.clock import Clock, Micros
from roundel.domain.ids import OrganizationId, PersonId, TokenId
from roundel.domain.sessions import Invitation, OpenInvitation, Session, Visitor, is_over
from roundel.store.database import Database
from roundel.store.dialect import Row, Sql
from roundel.store.owner_rows import PERSON
from roundel.store.queries.people import actor_of
from roundel.store.repos.sessions import INVITATION, invitation_of
from roundel.store.rows import columns

_USABLE = "t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > :now)"
# Who needs it: every page, before anything else.  Columns 0-5 are the person, 6 the scopes.
_VISITOR = (
    f"SELECT {columns(PERSON, 'p')}, t.scopes, s.token_id, s.created_at, s.seen_at"
    " FROM session s JOIN person p ON p.id = s.person_id LEFT JOIN token t ON t.id = s.token_id"
    f" WHERE s.digest = :digest AND (s.token_id IS NULL OR ({_USABLE}))"
)
_SESSION = "digest, person_id, token_id, created_at, seen_at"
_KEPT = "id, person_id, label, prefix, digest, scopes, created_at, expires_at"


class SqlSessionReads:
    """Implements `domain.sessions.SessionReads`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._read = database.read
        self._clock = clock

    async def visitor(self, digest: bytes) -> Visitor | None:
        """Return whose session this is, unless it is over or the token behind it is."""
        now = self._clock.now()
        return await self._read(lambda sql: _visitor(sql, digest, now))

    async def token_of(self, token_digest: bytes) -> tuple[PersonId, TokenId] | None:
        """Return whose token this is and its id, unless expired or revoked."""
        now = self._clock.now()
        row = await self._read(
            lambda sql: sql.one(
                "SELECT person_id, id FROM token WHERE digest = :digest AND revoked_at IS NULL"
                " AND (expires_at IS NULL OR expires_at > :now)",
                digest=token_digest,
                now=now,
            )
        )
        return None if row is None else (PersonId(row[0]), TokenId(row[1]))

    async def password_of(self, login: str) -> tuple[PersonId, str] | None:
        """Return a person and the hash of their password, None where there is none."""
        row = await self._read(
            lambda sql: sql.one(
                "SELECT p.id, w.hash FROM person p JOIN password w ON w.person_id = p.id"
                " WHERE p.login = :login",
                login=login,
            )
        )
        return None if row is None else (PersonId(row[0]), row[1])

    async def invitation(self, digest: bytes) -> Invitation | None:
        """Return an invitation that may still be used."""
        now = self._clock.now()
        row = await self._read(
            lambda sql: sql.one(
                f"SELECT {INVITATION} FROM invitation"
                " WHERE digest = :digest AND used_at IS NULL AND expires_at > :now",
                digest=digest,
                now=now,
            )
        )
        return None if row is None else invitation_of(row)

    async def invitations_of(self, organization: OrganizationId) -> Sequence[OpenInvitation]:
        """Return an organization's invitations that may still be used, the newest first."""
        now = self._clock.now()
        rows = await self._read(
            lambda sql: sql.all(
                f"SELECT {columns(INVITATION, 'i')}, p.login FROM invitation i"
                " JOIN person p ON p.id = i.invited_by WHERE i.organization_id = :organization"
                " AND i.used_at IS NULL AND i.expires_at > :now ORDER BY i.created_at DESC",
                organization=organization,
                now=now,
            )
        )
        return [OpenInvitation(invitation=invitation_of(row), invited_by=row[6]) for row in rows]

    async def sessions_of(self, person: PersonId) -> Sequence[Session]:
        """Return a person's sessions that are not over, the one seen last first."""
        now = self._clock.now()
        rows = await self._read(
            lambda sql: sql.all(
                f"SELECT {columns(_SESSION, 's')} FROM session s"
                " LEFT JOIN token t ON t.id = s.token_id WHERE s.person_id = :person"
                f" AND (s.token_id IS NULL OR ({_USABLE})) ORDER BY s.seen_at DESC, s.digest",
                person=person,
                now=now,
            )
        )
        return [it for it in map(_session_of, rows) if not is_over(it, now)]

    async def tokens_of(self, person: PersonId) -> Sequence[Token]:
        """Return a person's tokens that are neither expired nor revoked, the newest first."""
        now = self._clock.now()
        rows = await self._read(
            lambda sql: sql.all(
                f"SELECT {columns(_KEPT, 't')} FROM token t WHERE t.person_id = :person"
                f" AND {_USABLE} ORDER BY t.created_at DESC, t.id DESC",
                person=person,
                now=now,
            )
        )
        return [_token_of(row) for row in rows]


def _session_of(row: Row) -> Session:
    return Session(
        digest=bytes(row[0]),
        person_id=PersonId(row[1]),
        token_id=None if row[2] is None else TokenId(row[2]),
        created_at=Micros(row[3]),
        seen_at=Micros(row[4]),
    )


def _token_of(row: Row) -> Token:
    return Token(
        id=TokenId(row[0]),
        person_id=PersonId(row[1]),
        label=row[2],
        prefix=row[3],
        digest=bytes(row[4]),
        scopes=None if row[5] is None else frozenset(map(Need, msgspec.json.decode(row[5]))),
        created_at=Micros(row[6]),
        expires_at=None if row[7] is None else Micros(row[7]),
    )


def _visitor(sql: Sql, digest: bytes, now: Micros) -> Visitor | None:
    row = sql.one(_VISITOR, digest=digest, now=now)
    if row is None:
        return None
    actor = actor_of(sql, row)
    session = Session(
        digest=digest,
        person_id=actor.id,
        token_id=row[7],
        created_at=Micros(row[8]),
        seen_at=Micros(row[9]),
    )
    return None if is_over(session, now) else Visitor(actor=actor, session=session)
