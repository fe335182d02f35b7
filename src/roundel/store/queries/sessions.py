"""Who is signed in, and by what one may sign in."""

from roundel.domain.clock import Clock, Micros
from roundel.domain.ids import PersonId, TokenId
from roundel.domain.sessions import Invitation, Session, Visitor, is_over
from roundel.store.database import Database
from roundel.store.dialect import Sql
from roundel.store.queries.people import actor_of
from roundel.store.repos.sessions import INVITATION, invitation_of
from roundel.store.rows import PERSON, columns

# Who needs it: every page, before anything else.  Columns 0-5 are the person, 6 the scopes.
_VISITOR = (
    f"SELECT {columns(PERSON, 'p')}, t.scopes, s.token_id, s.created_at, s.seen_at"
    " FROM session s JOIN person p ON p.id = s.person_id LEFT JOIN token t ON t.id = s.token_id"
    " WHERE s.digest = :digest AND (s.token_id IS NULL OR (t.revoked_at IS NULL"
    " AND (t.expires_at IS NULL OR t.expires_at > :now)))"
)


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
