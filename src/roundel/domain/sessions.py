"""Sessions of the pages: who is signed in at a browser, for how long, and how one is invited."""

from collections.abc import Sequence
from typing import Protocol

from roundel.domain.access import Actor, Role, Token
from roundel.domain.clock import DAY, MINUTE, Micros
from roundel.domain.ids import OrganizationId, PersonId, TokenId
from roundel.domain.records import dataclass

IDLE_LIMIT = 7 * DAY  # since the last look at a page
ABSOLUTE_LIMIT = 30 * DAY  # since the sign-in, whatever happens
SEEN_AGAIN_AFTER = 5 * MINUTE  # a look is written down no more often than that
INVITATION_LIFETIME = 7 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser that is signed in.  Only the SHA-256 of its id is kept.

    One that began with a token ends with it, and may never do more than the token may.
    """

    digest: bytes
    person_id: PersonId
    token_id: TokenId | None
    created_at: Micros
    seen_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Whose session it is, with the rights that they have now."""

    actor: Actor
    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A link that makes whoever follows it a member, once.  Only its SHA-256 is kept."""

    digest: bytes
    organization_id: OrganizationId
    role: Role
    invited_by: PersonId
    created_at: Micros
    expires_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInvitation:
    """An invitation that nobody has followed yet, with the login of who made it."""

    invitation: Invitation
    invited_by: str


def is_over(session: Session, now: Micros) -> bool:
    """Tell whether a session has reached one of its limits."""
    return now - session.seen_at >= IDLE_LIMIT or now - session.created_at >= ABSOLUTE_LIMIT


class Sessions(Protocol):
    """Where sessions, passwords and invitations are kept."""

    def add(self, session: Session) -> None: ...

    def seen(self, digest: bytes, at: Micros) -> None: ...

    def remove(self, digest: bytes) -> None: ...

    def remove_over(self, seen_before: Micros, created_before: Micros) -> int:
        """Remove sessions that were last seen, or began, before a time; return how many."""

    def set_password(self, person_id: PersonId, hashed: str, at: Micros) -> None:
        """Keep a password's hash in place of the one before, and end the person's sessions."""

    def invite(self, invitation: Invitation) -> None: ...

    def withdraw_invitation(self, organization: OrganizationId, digest: bytes) -> bool:
        """Remove an invitation that was not used; tell whether there was one."""

    def take_invitation(self, digest: bytes, at: Micros) -> Invitation | None:
        """Use an invitation up; None if there is none, it was used, or its time is over."""


class SessionReads(Protocol):
    """What the pages ask of sessions before anything else."""

    async def visitor(self, digest: bytes) -> Visitor | None:
        """Return whose session this is, unless it is over or the token behind it is."""

    async def token_of(self, token_digest: bytes) -> tuple[PersonId, TokenId] | None:
        """Return whose token this is and its id, unless expired or revoked."""

    async def password_of(self, login: str) -> tuple[PersonId, str] | None:
        """Return a person and the hash of their password, None where there is none."""

    async def invitation(self, digest: bytes) -> Invitation | None:
        """Return an invitation that may still be used."""

    async def invitations_of(self, organization: OrganizationId) -> Sequence[OpenInvitation]:
        """Return an organization's invitations that may still be used, the newest first."""

    async def sessions_of(self, person: PersonId) -> Sequence[Session]:
        """Return a person's sessions that are not over, the one seen last first."""

    async def tokens_of(self, person: PersonId) -> Sequence[Token]:
        """Return a person's tokens that are neither expired nor revoked, the newest first."""
