"""Idempotency keys: what a request was answered the first time, for whoever sends it again."""

from typing import Protocol

from roundel.domain.clock import DAY, Micros
from roundel.domain.contexts import Sealed
from roundel.domain.records import dataclass

KEPT_FOR = DAY  # how long a key is remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A request under a key.  Without a status it is under way still, or broke off.

    `key` and `request` are digests.  The answer is sealed: it may show a token.
    """

    key: str
    request: str
    expires_at: Micros
    status: int | None = None
    answer: Sealed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAnswer:
    """What the request was answered the first time."""

    status: int
    body: bytes


class Repeats(Protocol):
    """Where requests under keys are kept."""

    def begin(self, request: Remembered, now: Micros) -> Remembered | None:
        """Keep a request under a new key; return the one that is under the key already."""

    def finish(self, request: Remembered) -> None: ...

    def forget(self, key: str) -> None: ...

    def expire(self, now: Micros, limit: int) -> int:
        """Forget keys whose time is over; return how many."""
