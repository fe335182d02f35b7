"""People's API tokens, and the first administrator."""

from roundel.domain.access import Actor, Need, Person, Token
from roundel.domain.clock import SECOND, Micros
from roundel.domain.errors import Invalid, NotAllowed, NotFound
from roundel.domain.ids import PersonId, TokenId, new_id
from roundel.domain.records import dataclass
from roundel.services.work import App, Tx
from roundel.vault.tokens import digest_of, new_token, prefix_of

LONGEST_LABEL = 100
ADMINISTRATOR = "admin"  # the login of the person whom the first start makes


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateToken:
    """Make a token for oneself, or as an administrator for the person with `login`."""

    by: Actor
    login: str | None = None
    label: str = ""
    expires_seconds: int | None = None
    scopes: frozenset[Need] | None = None  # None: all that `by` may do


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedToken:
    """A token just made; `text` is shown this once."""

    id: TokenId
    text: str
    login: str
    expires_at: Micros | None


async def create_token(command: CreateToken, app: App) -> CreatedToken:
    """Make a token.  For somebody new, an administrator of the server makes the person as well.

    It never may do more than the token by which it was asked for.
    """
    by, at = command.by, app.clock.now()
    login = command.login or by.login
    if login != by.login and not (by.server_administrator and by.scopes is None):
        raise NotAllowed("Only an administrator of the server makes tokens for other people.")
    if command.expires_seconds is not None and command.expires_seconds <= 0:
        raise Invalid("A token must expire in the future.")
    if len(command.label) > LONGEST_LABEL or not command.label.isprintable():
        raise Invalid(f"label: expected a text of at most {LONGEST_LABEL} characters, on one line")
    scopes = by.scopes
    if command.scopes is not None:
        scopes = command.scopes if by.scopes is None else command.scopes & by.scopes
    lifetime = command.expires_seconds
    expires_at = None if lifetime is None else Micros(at + lifetime * SECOND)

    def transaction(tx: Tx) -> CreatedToken:
        person = tx.people.by_login(login) or _add_person(tx, login, at)
        return _add_token(tx, person, command.label, scopes, at, expires_at)

    return await app.database.write(transaction)


async def revoke_token(token_id: TokenId, by: Actor, app: App) -> None:
    """Revoke one's own token, or as an administrator anybody's.  It is refused from now on."""
    at = app.clock.now()

    def transaction(tx: Tx) -> None:
        owner = tx.people.token_owner(token_id)
        if owner is None or (owner != by.id and not by.server_administrator):
            raise NotFound("Token not found")
        if by.scopes is not None and Need.ADMINISTER not in by.scopes:
            raise NotAllowed("This token may not revoke tokens.")
        tx.people.revoke_token(token_id, at)

    await app.database.write(transaction)


async def revoke_tokens_before(created: Micros, app: App) -> int:
    """Revoke everybody's tokens that were made before a moment; return how many that were.

    For the day on which tokens may have leaked: even the caller's own is not spared.
    """
    at = app.clock.now()
    return await app.database.write(lambda tx: tx.people.revoke_tokens_before(created, at))


async def first_administrator(app: App) -> CreatedToken | None:
    """Make the administrator of a server that has nobody yet, with a token; else None."""
    at = app.clock.now()

    def transaction(tx: Tx) -> CreatedToken | None:
        if tx.people.anybody():
            return None
        person = _add_person(tx, ADMINISTRATOR, at, server_administrator=True)
        return _add_token(tx, person, "made at the first start", None, at, None)

    return await app.database.write(transaction)


def _add_person(tx: Tx, login: str, at: Micros, *, server_administrator: bool = False) -> Person:
    person = Person(
        id=PersonId(new_id()),
        login=login,
        name=login,
        server_administrator=server_administrator,
        created_at=at,
    )
    tx.people.add(person)
    return person


def _add_token(
    tx: Tx,
    person: Person,
    label: str,
    scopes: frozenset[Need] | None,
    at: Micros,
    expires_at: Micros | None,
) -> CreatedToken:
    text = new_token()
    token = Token(
        id=TokenId(new_id()),
        person_id=person.id,
        label=label,
        prefix=prefix_of(text),
        digest=digest_of(text),
        scopes=scopes,
        created_at=at,
        expires_at=expires_at,
    )
    tx.people.add_token(token)
    return CreatedToken(id=token.id, text=text, login=person.login, expires_at=expires_at)
