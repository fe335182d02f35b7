"""Containers that were made before their job came, and whose runner was killed."""

import asyncio
import contextlib
import os
import pickle
import signal
import sys
from pathlib import Path

import pytest

from roundel.backends.docker import DockerBackend
from roundel.backends.protocol import SandboxLost
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.runners import JobOrder, NextContainer
from tests.contracts.sandboxes import AHEAD, gone, opened, prepared, said, secrets_below
from tests.engine import Engine
from tests.fake_server import FakeServer, Told, an_order
from tests.unit.runner.conftest import a_runner

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

VICTIM = """
import asyncio, pickle, sys
from pathlib import Path
from roundel.backends.docker import DockerBackend
from roundel.domain.clock import SystemClock
from roundel.runner.main import Runner
from tests.contracts.sandboxes import ready
from tests.fake_server import FakeServer

async def main():
    given, folder, state, url = sys.argv[1:]
    server = FakeServer()
    runner = Runner(
        server, DockerBackend(url=url), folder=Path(folder), clock=SystemClock(), slots=2
    )
    task = asyncio.create_task(runner.run())
    for order in pickle.loads(Path(given).read_bytes()):
        told = server.submit(order)
        if order.next:
            await ready(Path(folder) / "jobs")
    await told.until_log_has("half")
    Path(state).write_bytes(pickle.dumps((told.order, told.reports, told.chunks)))
    print("ready", flush=True)
    await task

asyncio.run(main())
"""
_HALF = 'echo half; until [ -e "${BASH_ENV%/*}/task/go" ]; do sleep 0.02; done; echo full'


@pytest.mark.parametrize("phase", ["made", "handed over"])
async def test_a_killed_runner_leaves_a_spare_to_sweep_or_a_job_to_adopt(
    engine, busybox, tmp_path, phase
):
    wanted = [NextContainer(image=busybox)]
    first = an_order(_HALF, image=busybox, upcoming=wanted)
    second = an_order(_HALF, image=busybox)
    orders = [first] if phase == "made" else [first, second]
    server = FakeServer()
    told = await _killed_after_half(engine, server, orders, tmp_path)
    jobs = tmp_path / "jobs"
    assert len(engine.containers_below(tmp_path)) == 2
    assert (AHEAD in told.output(0)) is (phase == "handed over")
    backend = DockerBackend(url=engine.url)
    async with a_runner(server, tmp_path, backend=backend) as runner:
        await gone(engine, tmp_path, but=1)  # the spare; or the first job, which is nobody's now
        (task,) = jobs.glob("ahead/*/job/task" if phase == "handed over" else "*/job/task")
        (task / "go").touch()
        await told.ended.wait()
        await asyncio.gather(*runner._tasks)
    assert told.result.status is ExecutionStatus.SUCCESS
    assert told.output(2) == "half\nfull\n"
    assert engine.containers_below(tmp_path) == []
    assert list(jobs.iterdir()) == []
    assert secrets_below(tmp_path) == []


async def _killed_after_half(
    engine: Engine, server: FakeServer, orders: list[JobOrder], folder: Path
) -> Told:
    """Let a runner work until its last job has said "half", kill it, and tell the server."""
    given, state = folder / "orders", folder / "state"
    given.write_bytes(pickle.dumps(orders))
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", VICTIM, str(given), str(folder), str(state), engine.url),
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert await process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGKILL)
    await process.wait()
    with contextlib.suppress(AttributeError):
        process._transport.close()
    claimed, reports, chunks = pickle.loads(state.read_bytes())  # noqa: S301 written by us
    told = server.submit(claimed)
    server._queue.get_nowait()
    told.reports.update(reports)
    told.chunks.update(chunks)
    return told


async def test_one_that_a_runner_died_over_before_its_job_had_it_is_not_the_jobs(
    engine, busybox, tmp_path
):
    first, second = DockerBackend(url=engine.url), DockerBackend(url=engine.url)
    order = an_order(image=busybox)
    async with (
        prepared(first, tmp_path, NextContainer(image=busybox)),
        opened(second, tmp_path, order) as sandbox,
    ):
        assert AHEAD not in sandbox.opened_how
        assert await second.sweep(tmp_path, {order.lease.execution_id}) == 2
        assert await said(sandbox, "echo a") == "a\n"
    await first.close()
    await second.close()


async def test_a_job_whose_spare_was_removed_while_no_runner_was_there_is_lost(
    engine, busybox, tmp_path
):
    backend = DockerBackend(url=engine.url)
    order = an_order(image=busybox)
    async with (
        prepared(backend, tmp_path, NextContainer(image=busybox)),
        opened(backend, tmp_path, order) as sandbox,
    ):
        assert AHEAD in sandbox.opened_how
        sandbox.keep()
    ids = [line.split()[1] for line in engine.containers_below(tmp_path)]
    engine.docker("rm", "--force", *ids)
    with pytest.raises(SandboxLost):
        async with opened(backend, tmp_path, order):
            raise AssertionError("it is gone")
    assert not (tmp_path / "ahead").exists()
    await backend.close()
