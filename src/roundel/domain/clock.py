"""Time.  Inside Roundel a time is an integer: microseconds since 1970, UTC."""

import time
from datetime import UTC, datetime
from typing import NewType, Protocol

Micros = NewType("Micros", int)

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
FOREVER = Micros(2**63 - 1)


class Clock(Protocol):
    """Where the time comes from; tests give their own."""

    def now(self) -> Micros: ...

    def steady(self) -> Micros:
        """Return a time that nobody can turn.  Only its differences mean something."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> Micros:
        return Micros(time.time_ns() // 1_000)

    def steady(self) -> Micros:
        return Micros(time.monotonic_ns() // 1_000)


def rfc3339_millis(at: Micros) -> str:
    """Return `at` as `2026-01-02T03:04:05.678Z`, the form of most API objects."""
    return f"{_seconds(at)}.{at // MILLISECOND % 1000:03d}Z"


def rfc3339_seconds(at: Micros) -> str:
    """Return `at` as `2026-01-02T03:04:05Z`, the form of workflows and their jobs."""
    return f"{_seconds(at)}Z"


def _seconds(at: Micros) -> str:
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
