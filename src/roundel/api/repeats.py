"""Idempotency keys: a POST that comes again is answered as before and carried out once."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.types import Scope

from roundel.api.binding import header
from roundel.api.errors import Refusal
from roundel.api.ports import RepeatCases
from roundel.domain.access import Actor
from roundel.domain.errors import DomainError, Invalid, Unavailable
from roundel.domain.repeats import FirstAnswer
from roundel.services.repeats import Standing

LONGEST_KEY = 255
ANOTHER = "This Idempotency-Key was used for another request; take a new key."
UNDER_WAY = (
    "A request with this Idempotency-Key is under way or broke off;"
    " see whether it was carried out before you send it with a new key."
)

Answer: TypeAlias = tuple[int, bytes]


def key_of(scope: Scope, caller: Actor | None) -> str | None:
    """Return the digest of a request's key, or None where nobody known sends one with a POST.

    A key belongs to the caller and the path: two people may use the same.
    """
    if scope["method"] != "POST" or caller is None:
        return None
    text = header(scope, b"idempotency-key").strip()
    if not text:
        return None
    if len(text) > LONGEST_KEY:
        raise Invalid(f"Idempotency-Key: longer than {LONGEST_KEY} characters")
    return _digest(caller.id.encode(), scope["path"].encode(), text.encode())


async def answer_once(
    key: str, scope: Scope, body: bytes, act: Callable[[], Awaitable[Answer]], cases: RepeatCases
) -> Answer:
    """Carry a request out, or give the answer of the first time again.

    A refusal is no answer in this sense: the request may be mended and sent under the same key.
    """
    request = _digest(scope["method"].encode(), scope["query_string"], body)
    standing = await cases.begin(key, request)
    if isinstance(standing, FirstAnswer):
        scope.setdefault("roundel.headers", []).append((b"idempotent-replayed", b"true"))
        return standing.status, standing.body
    if standing is Standing.ANOTHER:
        raise Refusal(422, ANOTHER)
    if standing is Standing.UNDER_WAY:
        raise Refusal(409, UNDER_WAY)
    try:
        status, answer = await act()
    except (Refusal, DomainError, Unavailable):
        await cases.forget(key)
        raise
    await cases.finish(key, request, FirstAnswer(status=status, body=answer))
    return status, answer


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()
