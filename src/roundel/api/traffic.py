"""What the API has served, counted without a metrics library until somebody asks."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client.core import Metric

# Seconds; from a cached answer to a long stream.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Traffic:
    """Counts of requests by route and status, and how long they took."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, int], int] = {}
        self._buckets = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer.  Unknown routes and methods are one, or clients could fill memory."""
        key = (method, route, status) if route else ("", "", status)
        self._answers[key] = self._answers.get(key, 0) + 1
        self._seconds += seconds
        self._buckets[bisect_left(BOUNDS, seconds)] += 1

    def collect(self) -> Iterator["Metric"]:
        """Yield what the metrics page shows (prometheus-client's collector protocol)."""
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        answers = CounterMetricFamily(
            "roundel_http_requests",
            "Requests answered, by route and status.",
            labels=["method", "route", "status"],
        )
        for (method, route, status), count in sorted(self._answers.items()):
            answers.add_metric([method, route, str(status)], count)
        yield answers
        times = HistogramMetricFamily(
            "roundel_http_request_seconds", "How long requests took, streams included."
        )
        times.add_metric([], self._cumulative(), self._seconds)
        yield times

    def _cumulative(self) -> list[Any]:
        total = 0
        rows = []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self._buckets, strict=True):
            total += count
            rows.append((bound, total))
        return rows
