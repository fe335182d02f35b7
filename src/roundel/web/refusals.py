"""Refusals on pages: forms that say what was wrong with them."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Protocol, TypeAlias, TypeVar

from starlette.responses import Response

from roundel.domain.errors import DomainError, Unauthenticated
from roundel.web.forms import Fields, refusal_of
from roundel.web.page import PageHandler, Visit
from roundel.wire.statuses import status_of

S = TypeVar("S")
NO_FIELDS: Fields = {}


class Shown(Protocol):
    """A page with forms that can say what was wrong with the one that came."""

    def __call__(
        self, visit: Visit[Any], *, problem: str = "", status: int = 200
    ) -> Awaitable[Response]: ...


Wrapper: TypeAlias = Callable[[PageHandler[S]], PageHandler[S]]


def refused_on(page: Shown, fields: Fields = NO_FIELDS) -> Wrapper[S]:
    """Let a form's refusal be told on the page where the form is, at the field that it is about."""

    def wrapper(handler: PageHandler[S]) -> PageHandler[S]:
        @wraps(handler)
        async def answer(visit: Visit[S]) -> Response:
            try:
                return await handler(visit)
            except Unauthenticated:
                raise
            except DomainError as error:
                visit.refusal = refusal_of(str(error), fields)
                return await page(visit, problem=visit.refusal.problem, status=status_of(error))

        return answer

    return wrapper
