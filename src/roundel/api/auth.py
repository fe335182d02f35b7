"""Who is calling: a token in any of five forms, looked up by its SHA-256."""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping

from roundel.domain.access import Actor
from roundel.domain.clock import SECOND, Clock, Micros
from roundel.domain.views import Reads

TRUSTED_FOR = 2 * SECOND  # how long a revoked token may still work in another replica
MOST_KEPT = 4096
LONGEST_TOKEN = 1024


def token_in(headers: Iterable[tuple[bytes, bytes]], query: Mapping[str, str]) -> str | None:
    """Return the token that the request carries, or None.  It is not verified here.

    The forms, first found first: `Circle-Token: T`, `Authorization: Bearer T`, Basic with the
    token as user, a bare `Authorization: T`, and `?circle-token=T`.
    """
    authorization = ""
    for name, value in headers:
        if name == b"circle-token" and value.strip():
            return value.decode("latin-1").strip()
        if name == b"authorization":
            authorization = value.decode("latin-1").strip()
    if authorization:
        return _from_authorization(authorization)
    return query.get("circle-token") or None


def _from_authorization(value: str) -> str | None:
    scheme, blank, rest = value.partition(" ")
    if not blank:
        return scheme
    rest = rest.strip()
    match scheme.lower():
        case "bearer":
            return rest or None
        case "basic":
            try:
                user, _, _ = base64.b64decode(rest, validate=True).decode().partition(":")
            except (binascii.Error, ValueError):
                return None
            return user or None
    return None


class Callers:
    """Looks up who a token belongs to, and remembers it for a moment.

    Only tokens that were found are remembered, so a new one works at once.
    """

    def __init__(self, reads: Reads, clock: Clock) -> None:
        self._reads = reads
        self._clock = clock
        self._known: dict[bytes, tuple[Actor, Micros]] = {}

    async def who(self, unverified_token: str) -> tuple[Actor, str] | None:
        """Return the token's owner, and a name for the token that is no secret.

        None comes back when the token is unknown, expired or revoked.
        """
        if len(unverified_token) > LONGEST_TOKEN:
            return None
        digest = hashlib.sha256(unverified_token.encode("utf-8", "surrogateescape")).digest()
        actor = await self._owner(digest)
        return None if actor is None else (actor, digest.hex())

    async def _owner(self, digest: bytes) -> Actor | None:
        now = self._clock.now()
        known = self._known.get(digest)
        if known is not None and known[1] > now:
            return known[0]
        self._known.pop(digest, None)
        actor = await self._reads.actor(digest)
        if actor is not None:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            self._known[digest] = (actor, Micros(now + TRUSTED_FOR))
        return actor

    def forget(self) -> None:
        """Look everybody up anew; called when a token is revoked or a right changes here."""
        self._known.clear()
