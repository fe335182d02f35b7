"""What a server does between jobs: cost per job, jobs a second, how soon a job starts.

The back end is fake, so nothing but orchestration is measured.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

from tests.postgres import Cluster

from bench import figures
from bench.houses import TimedHouse, a_house, chain, databases, fan, funnel
from roundel.app.serving import loop_factory
from roundel.backends.fake import FakeBackend
from roundel.domain.clock import SystemClock
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import Plan
from roundel.domain.runners import Result
from roundel.runner.main import Runner

SMALL, LARGE = 10, 1000  # jobs of a workflow
PIPELINES, WIDTH = 20, 50
SLOTS = 32
RATE, SECONDS = 50, 4  # jobs a second, for how long
QUEUED = 25_000
CALLS = 3  # transactions of a job from its claim to its end


def measure_orchestration() -> None:
    with databases() as found:
        for name, cluster in found.items():
            for measure in (growth, throughput, latency, start_with_a_queue):
                with_database(cluster, lambda url, m=measure, n=name: m(n, url))  # type: ignore[misc]


def with_database(
    cluster: Cluster | None, measure: Callable[[str | None], Coroutine[None, None, None]]
) -> None:
    url = None if cluster is None else cluster.fresh()
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as running:
            running.run(measure(url))
    finally:
        if cluster is not None and url is not None:
            cluster.drop(url)


async def growth(name: str, url: str | None) -> None:
    """Print what a job of a large workflow costs beside one of a small workflow."""
    async with a_house(url) as house:
        for label, shape in (("chain", chain), ("fan", fan), ("funnel", funnel)):
            small = [await processor_ms(house, shape(SMALL), SMALL) for _ in range(10)]
            large = [await processor_ms(house, shape(LARGE), LARGE)]
            figures.cost(
                f"orchestration on {name}: a job of {LARGE} in a {label}, beside one of {SMALL}",
                large,
                small,
                unit="ms",
            )


async def processor_ms(house: TimedHouse, plan: Plan, jobs: int) -> float:
    began = time.process_time()
    await house.trigger(plan)
    await house.runner.run_all()
    return (time.process_time() - began) * 1000 / jobs


async def throughput(name: str, url: str | None) -> None:
    """Print jobs a second from trigger to end, beside as many empty durable transactions."""
    async with a_house(url) as house:
        with tempfile.TemporaryDirectory() as folder:
            runner = Runner(
                house.engine.runners,
                FakeBackend(),
                folder=Path(folder),
                clock=SystemClock(),
                slots=SLOTS,
            )
            running = asyncio.create_task(runner.run())
            values, floors = [], []
            for _ in range(3):
                values.append(await jobs_a_second(house))
                floors.append(await bare_jobs_a_second(house))
            await runner.stop(5)
            await running
    figures.rate(f"orchestration on {name}: end to end", values, floors, unit="jobs/s")


async def jobs_a_second(house: TimedHouse) -> float:
    began = time.perf_counter()
    pipelines = [await house.trigger(fan(WIDTH)) for _ in range(PIPELINES)]
    for pipeline in pipelines:
        while (await house.workflow(pipeline)).status.value != "success":  # noqa: ASYNC110 - looks as a client does
            await asyncio.sleep(0.05)
    return PIPELINES * WIDTH / (time.perf_counter() - began)


async def bare_jobs_a_second(house: TimedHouse) -> float:
    """As many transactions as jobs have, `SLOTS` at once; each only moves a timer."""
    at = SystemClock().now()

    async def one(count: int) -> None:
        for _ in range(count):
            await house.engine.database.write(lambda tx: tx.replicas.beat("bench", at))

    jobs = PIPELINES * WIDTH
    began = time.perf_counter()
    await asyncio.gather(*(one(jobs * CALLS // SLOTS) for _ in range(SLOTS)))
    return jobs / (time.perf_counter() - began)


async def latency(name: str, url: str | None) -> None:
    """Print how long after its trigger's transaction a job is in a runner's hands."""
    waited: list[float] = []
    async with a_house(url) as house:
        house.compiler.plan = fan(1)
        servers = [asyncio.create_task(serve(house, waited)) for _ in range(4)]
        await house.trigger()  # the first loads what is lazy
        while not waited:  # noqa: ASYNC110 - looks as a client does
            await asyncio.sleep(0.05)
        waited.clear()
        began = time.perf_counter()
        for number in range(RATE * SECONDS):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            await house.trigger()
        while len(waited) < RATE * SECONDS:  # noqa: ASYNC110 - looks as a client does
            await asyncio.sleep(0.05)
        for server in servers:
            server.cancel()
        await asyncio.gather(*servers, return_exceptions=True)
        floors = [await commit_ms(house) for _ in range(100)]
    cuts = statistics.quantiles(waited, n=100)
    figures.cost(f"orchestration on {name}: enqueue to start, p50", waited, floors, unit="ms")
    figures.cost(f"orchestration on {name}: enqueue to start, p99", [cuts[98]], floors, unit="ms")


async def serve(house: TimedHouse, waited: list[float]) -> None:
    while True:
        order = await house.runner.claim(wait_seconds=5)
        if order is None:
            continue
        at = SystemClock().now()
        view = await house.engine.reads.job(house.project.id, order.job_number)
        assert view is not None and view.job.queued_at is not None
        waited.append((at - view.job.queued_at) / 1000)
        await house.runner.server.finish(order.lease, Result(status=ExecutionStatus.SUCCESS))


async def commit_ms(house: TimedHouse) -> float:
    at = SystemClock().now()
    began = time.perf_counter()
    await house.engine.database.write(lambda tx: tx.replicas.beat("bench", at))
    return (time.perf_counter() - began) * 1000


async def start_with_a_queue(name: str, url: str | None) -> None:
    """Print how long a server takes to start and give out a first job while many wait."""
    async with a_house(url) as house:
        empty = [await start_seconds(house) for _ in range(3)]
        for _ in range(QUEUED // LARGE):
            await house.trigger(fan(LARGE))
        full = [await start_seconds(house) for _ in range(3)]
        claims = []
        for _ in range(200):
            began = time.perf_counter()
            assert await house.runner.claim() is not None
            claims.append((time.perf_counter() - began) * 1000)
        commits = [await commit_ms(house) for _ in range(100)]
    figures.cost(f"orchestration on {name}: start with {QUEUED} queued jobs", full, empty)
    cuts = statistics.quantiles(claims, n=100)
    figures.cost(
        f"orchestration on {name}: claim among {QUEUED} queued jobs, p99",
        [cuts[98]],
        commits,
        unit="ms",
    )


async def start_seconds(house: TimedHouse) -> float:
    await house.engine.stop()
    began = time.perf_counter()
    house._build()
    await house.engine.start()
    await house.runner.claim()
    return time.perf_counter() - began
