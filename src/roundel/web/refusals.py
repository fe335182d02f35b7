"""Refusals on pages: which status each has, and forms that say what was wrong with them."""

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any, Protocol, TypeAlias, TypeVar

from starlette.responses import Response

from roundel.domain.errors import (
    DomainError,
    IllegalMove,
    Invalid,
    NotAllowed,
    NotFound,
    TooOften,
    Unauthenticated,
)
from roundel.web.page import PageHandler, Visit

S = TypeVar("S")

STATUS_OF: Mapping[type[DomainError], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    NotAllowed: 403,
    NotFound: 404,
    IllegalMove: 409,
    TooOften: 429,
    DomainError: 400,
}


def status_of(error: DomainError) -> int:
    """Return the status of a page that tells of a refusal."""
    return next(code for kind, code in STATUS_OF.items() if isinstance(error, kind))


class Shown(Protocol):
    """A page with forms that can say what was wrong with the one that came."""

    def __call__(
        self, visit: Visit[Any], *, problem: str = "", status: int = 200
    ) -> Awaitable[Response]: ...


Wrapper: TypeAlias = Callable[[PageHandler[S]], PageHandler[S]]


def refused_on(page: Shown) -> Wrapper[S]:
    """Let a form's refusal be told on the page where the form is."""

    def wrapper(handler: PageHandler[S]) -> PageHandler[S]:
        @wraps(handler)
        async def answer(visit: Visit[S]) -> Response:
            try:
                return await handler(visit)
            except Unauthenticated:
                raise
            except DomainError as error:
                return await page(visit, problem=str(error), status=status_of(error))

        return answer

    return wrapper
