"""What idle runners elsewhere cost a server: processor time while they wait for jobs."""

import asyncio
import os
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from tests.e2e.server import Server

from bench import figures
from roundel.backends.fake import FakeBackend
from roundel.domain.clock import SystemClock
from roundel.runner.main import Runner
from roundel.wire.runner_client import RemoteServer

RUNNERS = 100
SETTLE_SECONDS = 5.0  # connecting and the first claims are not idling
SECONDS = 60.0  # several long polls of each runner
CLASS = "bench/idle"  # a namespace that no organization has is the server's own
TICKS = os.sysconf("SC_CLK_TCK")


def measure_runners() -> None:
    """Print the share of a core that a server spends on idle runners, beside one without any."""
    with tempfile.TemporaryDirectory(prefix="roundel-bench-") as folder:
        server = Server(Path(folder) / "data", "--no-runner").start()
        try:
            pid = server.pid
            bare = asyncio.run(share_of_a_core(pid, SECONDS / 2))
            served = asyncio.run(with_runners(server.url, a_token(server), pid, Path(folder)))
        finally:
            server.stop()
    figures.cost(
        f"orchestration: {RUNNERS} idle remote runners", [served], [bare], unit="% of a core"
    )


def a_token(server: Server) -> str:
    """Make the runners' class; return a token for it."""
    made = {"resource_class": CLASS}
    with server.client() as client:
        answer = client.request("POST", "/api/v3/runner/resource", body=made)
        assert answer.status == 200, answer
        answer = client.request("POST", "/api/v3/runner/token", body={**made, "nickname": "n"})
        return str(answer.json()["token"])


async def with_runners(url: str, token: str, pid: int, folder: Path) -> float:
    """Return the share of a core while all of them wait; they are this process's affair."""
    async with AsyncExitStack() as stack:
        runners, running = [], []
        for number in range(RUNNERS):
            own = folder / f"runner-{number}"
            own.mkdir()
            remote = await stack.enter_async_context(RemoteServer(url, token))
            runner = Runner(remote, FakeBackend(), folder=own, clock=SystemClock())
            runners.append(runner)
            running.append(asyncio.create_task(runner.run()))
        await asyncio.sleep(SETTLE_SECONDS)
        share = await share_of_a_core(pid, SECONDS)
        for task in running:
            assert not task.done(), task
        await asyncio.gather(*(runner.stop(1) for runner in runners))
        await asyncio.gather(*running)
    return share


async def share_of_a_core(pid: int, seconds: float) -> float:
    """Return how many per cent of a core a process used over a while."""
    began, before = time.monotonic(), processor_seconds(pid)
    await asyncio.sleep(seconds)
    return 100 * (processor_seconds(pid) - before) / (time.monotonic() - began)


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has had, with its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
