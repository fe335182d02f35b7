"""The HTTP status of each refusal, at every door."""

from collections.abc import Mapping

from roundel.domain.errors import (
    DomainError,
    IllegalMove,
    Invalid,
    LeaseLost,
    NotAllowed,
    NotFound,
    TooOften,
    Unauthenticated,
)

STATUS_OF: Mapping[type[DomainError], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    NotAllowed: 403,
    NotFound: 404,
    IllegalMove: 409,
    LeaseLost: 409,
    TooOften: 429,
    DomainError: 400,
}


def status_of(error: DomainError) -> int:
    """Return the status that tells of a refusal."""
    return next(code for kind, code in STATUS_OF.items() if isinstance(error, kind))
