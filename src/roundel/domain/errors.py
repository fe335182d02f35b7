"""Refusals.  A domain error is an answer to the caller, rendered in one place.

A user's mistake in a config or a failing step is a value, never one of these.
"""


class DomainError(Exception):
    """The request cannot be carried out; the text tells the caller why and what to do."""


class Invalid(DomainError):
    """The request itself is malformed."""


class Unauthenticated(DomainError):
    """Nobody is signed in, or the token is unknown, expired or revoked."""


class NotAllowed(DomainError):
    """The caller is known and lacks the right."""


class NotFound(DomainError):
    """There is no such thing, or the caller may not know of it."""


class IllegalMove(DomainError):
    """The thing is in a state from which this move is not possible."""


class LeaseLost(DomainError):
    """The runner no longer holds this execution; it must stop and report nothing more."""


class TooOften(DomainError):
    """The caller asks more often than is possible; `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(Exception):
    """Something that we stand on is away.  No answer to the request: ask again a little later."""
