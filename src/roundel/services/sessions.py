"""Signing in at the pages and out again, with a token or as a local account."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid, Unauthenticated
from roundel.domain.ids import PersonId, TokenId
from roundel.domain.records import dataclass
from roundel.domain.runners import Secret
from roundel.domain.sessions import (
    ABSOLUTE_LIMIT,
    IDLE_LIMIT,
    SEEN_AGAIN_AFTER,
    Session,
)
from roundel.services.work import App, Tx
from roundel.vault.passwords import hash_password, is_password
from roundel.vault.tokens import digest_of

# One answer to all: whether there is such a person is nobody's business.
NOT_SIGNED_IN = "That did not work: the token, or the name with its password, is not known here."
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024

# Each check of a password takes 64 MiB; a flood of them must not take the machine.
_checks = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session that has just begun; `secret` goes to the browser and is kept nowhere."""

    secret: Secret
    person_id: PersonId


async def sign_in_with_token(unverified_token: Secret, app: App) -> SignedIn:
    """Begin a session that ends with its token and may do what the token may."""
    found = await app.sessions.token_of(digest_of(unverified_token))
    if found is None:
        raise Unauthenticated(NOT_SIGNED_IN)
    person_id, token_id = found
    return await begin(person_id, token_id, app)


async def sign_in_with_password(login: str, unverified_password: Secret, app: App) -> SignedIn:
    """Begin a session of a local account.  A wrong name takes as long as a wrong password."""
    found = None
    if len(unverified_password) <= LONGEST_PASSWORD:
        found = await app.sessions.password_of(login)
    hashed = None if found is None else found[1]
    loop = asyncio.get_running_loop()
    right = await loop.run_in_executor(_checks, is_password, hashed, unverified_password)
    if found is None or not right:
        raise Unauthenticated(NOT_SIGNED_IN)
    return await begin(found[0], None, app)


async def sign_out(digest: bytes, app: App) -> None:
    """End a session; ending it again changes nothing."""
    await app.database.write(lambda tx: tx.sessions.remove(digest))


async def note_visit(session: Session, app: App) -> None:
    """Write down that a session is in use, a few times an hour at most."""
    at = app.clock.now()
    if at - session.seen_at >= SEEN_AGAIN_AFTER:
        await app.database.write(lambda tx: tx.sessions.seen(session.digest, at))


async def change_password(person_id: PersonId, password: Secret, app: App) -> None:
    """Give a person a password; all their sessions end."""
    hashed = await checked_hash(password)
    at = app.clock.now()
    await app.database.write(lambda tx: tx.sessions.set_password(person_id, hashed, at))


async def checked_hash(password: Secret) -> str:
    """Return what is stored of a password; refuse one that is too short or absurdly long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Invalid(f"Password: expected {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_checks, hash_password, password)


def drop_old_sessions(tx: Tx, at: Micros) -> int:
    """Remove sessions that have reached a limit; return how many."""
    return tx.sessions.remove_over(Micros(at - IDLE_LIMIT), Micros(at - ABSOLUTE_LIMIT))


async def begin(person_id: PersonId, token_id: TokenId | None, app: App) -> SignedIn:
    """Begin a session for somebody who has shown who they are."""
    secret = Secret(secrets.token_urlsafe(32))
    at = app.clock.now()
    session = Session(
        digest=digest_of(secret),
        person_id=person_id,
        token_id=token_id,
        created_at=at,
        seen_at=at,
    )
    await app.database.write(lambda tx: tx.sessions.add(session))
    return SignedIn(secret=secret, person_id=person_id)
