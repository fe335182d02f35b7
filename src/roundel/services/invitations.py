"""Invitations: a link that makes whoever follows it a local account and a member, once."""

import re
import secrets

from roundel.domain.access import Actor, Person, Role
from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.ids import OrganizationId, PersonId, new_id
from roundel.domain.records import dataclass
from roundel.domain.runners import Secret
from roundel.domain.sessions import INVITATION_LIFETIME, Invitation
from roundel.services.sessions import checked_hash
from roundel.services.work import App, Tx
from roundel.vault.tokens import digest_of

NO_INVITATION = "This invitation was used already, or its time is over. Ask for a new one."
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptInvitation:
    """Become a local account of this name."""

    unverified_secret: str
    login: str
    name: str
    password: Secret


async def invite(organization: OrganizationId, role: Role, by: Actor, app: App) -> Secret:
    """Make an invitation; return the secret of its link, which is shown this once."""
    secret = Secret(secrets.token_urlsafe(32))
    at = app.clock.now()
    invitation = Invitation(
        digest=digest_of(secret),
        organization_id=organization,
        role=role,
        invited_by=by.id,
        created_at=at,
        expires_at=Micros(at + INVITATION_LIFETIME),
    )
    await app.database.write(lambda tx: tx.sessions.invite(invitation))
    return secret


async def withdraw_invitation(organization: OrganizationId, digest: bytes, app: App) -> None:
    """Take back an invitation that nobody has followed; its link leads nowhere from now on."""

    def transaction(tx: Tx) -> None:
        if not tx.sessions.withdraw_invitation(organization, digest):
            raise NotFound("This invitation was used already, or somebody else took it back.")

    await app.database.write(transaction)


async def accept_invitation(command: AcceptInvitation, app: App) -> PersonId:
    """Make the account and give it its role; the invitation is used up with it.

    Who is not invited is told nothing about which names are taken.
    """
    digest = digest_of(command.unverified_secret)
    if await app.sessions.invitation(digest) is None:
        raise NotFound(NO_INVITATION)
    if _LOGIN.fullmatch(command.login) is None:
        raise Invalid("Name to sign in with: letters, digits, dots, dashes and underscores only.")
    hashed = await checked_hash(command.password)
    at = app.clock.now()
    person = Person(
        id=PersonId(new_id()),
        login=command.login,
        name=command.name.strip() or command.login,
        created_at=at,
    )

    def transaction(tx: Tx) -> None:
        if tx.people.by_login(command.login) is not None:
            raise Invalid(f"The name {command.login!r} is taken; choose another.")
        invitation = tx.sessions.take_invitation(digest, at)
        if invitation is None:
            raise NotFound(NO_INVITATION)
        tx.people.add(person)
        tx.people.give_role(invitation.organization_id, person.id, invitation.role)
        tx.sessions.set_password(person.id, hashed, at)

    await app.database.write(transaction)
    return person.id
