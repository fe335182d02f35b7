"""`python -m bench.lone_runner steps|output|nothing FOLDER [ENGINE IMAGE]`: one job, measured."""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.fake_server import FakeServer, an_order

from bench.steps import BYTES, STEPS
from roundel.backends.process import ProcessBackend
from roundel.backends.protocol import Backend
from roundel.domain.clock import SystemClock
from roundel.domain.runners import Chunk, JobOrder, Lease, Orders
from roundel.runner.main import Runner


class Forgetful(FakeServer):
    """Takes output and keeps none of it."""

    async def take_output(self, lease: Lease, chunks: Sequence[Chunk]) -> Orders:
        del chunks
        return self._orders(self._held(lease))


def order_of(what: str, image: str) -> JobOrder:
    masks = [f"a secret, number {number}" for number in range(20)]
    steps = {
        "steps": ["true"] * STEPS,
        "output": [f"yes | head -c {BYTES} || true"],
        "nothing": ["true"],
    }
    return an_order(*steps[what], image=image, masks=masks)


async def measure(what: str, folder: Path, engine: list[str]) -> float:
    backend: Backend = ProcessBackend()
    if engine:
        from roundel.backends.docker import DockerBackend

        backend = DockerBackend(url=engine[0])
    server = Forgetful()
    runner = Runner(server, backend, folder=folder, clock=SystemClock())
    running = asyncio.create_task(runner.run())
    image = engine[1] if engine else "none"
    warm = server.submit(order_of("nothing", image))
    await warm.ended.wait()
    began = time.perf_counter()
    told = server.submit(order_of(what, image))
    await told.ended.wait()
    seconds = time.perf_counter() - began
    assert told.result is not None and told.result.status == "success", told.log()
    await runner.stop(5)
    await running
    return seconds


def main() -> None:
    what, folder, *engine = sys.argv[1:]
    seconds = asyncio.run(measure(what, Path(folder), engine))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak}))


if __name__ == "__main__":
    main()
