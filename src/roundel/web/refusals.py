"""Refusals on pages: forms that say what was wrong with them."""

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any, Protocol, TypeAlias, TypeVar

from starlette.responses import Response

from roundel.domain.errors import DomainError, Unauthenticated
from roundel.web.page import PageHandler, Visit
from roundel.wire.statuses import status_of

S = TypeVar("S")


def field_of(problem: str, fields: Mapping[str, str]) -> str:
    """Return the name of the field that a refusal is about, empty where it is about none.

    A refusal begins with what is wrong and a colon or a comma; `fields` says which field that is.
    """
    for word, name in fields.items():
        if problem.startswith((f"{word}:", f"{word},")):
            return name
    return ""


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
