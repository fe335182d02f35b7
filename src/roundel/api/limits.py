"""Rate limits: each caller has a window of a minute for each class of operations.

The windows are in this process's memory, so that a request costs no write.  Behind several
servers a caller therefore has the limit once for each.
"""

from collections.abc import Mapping

from starlette.types import Scope

from roundel.api.errors import Refusal
from roundel.api.operations import AnyOperation
from roundel.domain.clock import MINUTE, SECOND, Clock
from roundel.domain.limits import LimitClass

EXCEEDED = "Rate limit exceeded."
MOST_CALLERS = 50_000  # remembered within one minute; beyond, everybody begins anew

_READS = frozenset({"GET", "HEAD"})


def class_of(operation: AnyOperation) -> LimitClass:
    """Return the class that an operation counts in."""
    if operation.limit is not None:
        return operation.limit
    return LimitClass.READ if operation.method in _READS else LimitClass.WRITE


class Limits:
    """Counts requests.  A limit of 0, or none at all, lets everything pass unseen."""

    def __init__(self, limits: Mapping[LimitClass, int], clock: Clock) -> None:
        self._limits = {kind: limit for kind, limit in limits.items() if limit > 0}
        self._clock = clock
        self._window = -1
        self._taken: dict[tuple[str, LimitClass], int] = {}

    def take(self, scope: Scope, operation: AnyOperation) -> None:
        """Count a request; put what is left on its answer, or refuse it until the next minute."""
        kind = class_of(operation)
        limit = self._limits.get(kind)
        if limit is None:
            return
        now = self._clock.now()
        window, within = divmod(now, MINUTE)
        if window != self._window or len(self._taken) >= MOST_CALLERS:
            self._window = window
            self._taken.clear()
        key = (_caller(scope), kind)
        taken = self._taken.get(key, 0) + 1
        self._taken[key] = taken
        left = b"%d" % max(0, limit - taken)
        reset = -(-(MINUTE - within) // SECOND)
        most, after = b"%d" % limit, b"%d" % reset
        scope["roundel.headers"] = [
            (b"ratelimit-limit", most),
            (b"ratelimit-remaining", left),
            (b"ratelimit-reset", after),
            (b"x-ratelimit-limit-minute", most),
            (b"x-ratelimit-remaining-minute", left),
            (b"x-ratelimit-reset-minute", after),
        ]
        if taken > limit:
            raise Refusal(429, EXCEEDED, {"retry-after": str(reset)})


def _caller(scope: Scope) -> str:
    """Return whose window counts: that of the token, or of the address without a good one."""
    token: str | None = scope.get("roundel.token")
    if token is not None:
        return token
    client = scope.get("client")
    return "" if client is None else str(client[0])
