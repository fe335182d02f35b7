"""For those who operate the server: is it up, can it work, what has it done."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from roundel.api.errors import Refusal
from roundel.api.operations import AnyOperation, Call, Operation
from roundel.domain.access import Need
from roundel.domain.clock import SECOND, Micros
from roundel.domain.waiting import Load

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_NOBODY = bytes(32)  # no token has this digest; looking it up proves that the database answers


class Health(msgspec.Struct):
    status: str


async def alive(_call: Call[Any, None]) -> Health:
    """The process runs and serves."""
    return Health("ok")


async def ready(call: Call[Any, None]) -> Health:
    """The database answers, so that requests can be served."""
    try:
        await call.app.reads.actor(_NOBODY)
    except Exception as error:
        raise Refusal(503, "The database does not answer") from error
    return Health("ok")


async def metrics(call: Call[Any, None]) -> Response:
    from prometheus_client import CollectorRegistry, exposition, process_collector

    registry = CollectorRegistry(auto_describe=False)
    process_collector.ProcessCollector(registry=registry)
    registry.register(call.door.traffic)
    registry.register(_Work(await call.app.reads.load(), call.app.clock.now()))
    text = exposition.generate_latest(registry)
    return Response(text, media_type=exposition.CONTENT_TYPE_LATEST)


class _Work:
    """What there is to do on all servers of one database, as prometheus-client collects it."""

    def __init__(self, load: Load, now: Micros) -> None:
        self._load = load
        self._wait = 0 if load.oldest is None else max(now - load.oldest, 0)

    def collect(self) -> Iterator["Metric"]:
        from prometheus_client.core import GaugeMetricFamily

        for name, text, value in (
            ("at_work", "Executions that a runner has.", self._load.at_work),
            ("waiting", "Executions that wait for a runner.", self._load.waiting),
            ("oldest_wait_seconds", "How long the oldest has waited.", self._wait / SECOND),
        ):
            yield GaugeMetricFamily(f"roundel_executions_{name}", text, value)


def _open(path: str, id_: str, summary: str, handler: Any) -> AnyOperation:
    return Operation(
        method="GET",
        path=path,
        id=id_,
        summary=summary,
        tag="Health",
        need=Need.NOTHING,
        handler=handler,
        prefix="",
        hidden=True,
    )


OPERATIONS: list[AnyOperation] = [
    _open("/healthz", "health", "The process runs.", alive),
    _open("/readyz", "readiness", "The database answers.", ready),
    _open("/metrics", "metrics", "Counts for Prometheus.", metrics),
]
