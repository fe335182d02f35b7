"""A runner is killed with SIGKILL and another goes on with its job."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from roundel.backends.processes import HOME_MARK, marked
from roundel.domain.jobs import ExecutionStatus
from tests.fake_server import a_step, an_order
from tests.unit.runner.conftest import a_runner, world_of

# The runner that dies: it claims one order from a file, and reports into nothing.
VICTIM = """
import asyncio, pickle, sys
from pathlib import Path
from roundel.backends.process import ProcessBackend
from roundel.domain.clock import SystemClock
from roundel.runner.main import Runner
from tests.fake_server import FakeServer

async def main():
    server = FakeServer()
    told = server.submit(pickle.loads(Path(sys.argv[1]).read_bytes()))
    runner = Runner(server, ProcessBackend(), folder=Path(sys.argv[2]), clock=SystemClock())
    task = asyncio.create_task(runner.run())
    await told.until_log_has("half")
    state = pickle.dumps((told.order, told.reports, told.chunks))
    Path(sys.argv[3]).write_bytes(state)
    print("ready", flush=True)
    await task

asyncio.run(main())
"""


async def test_a_killed_runner_loses_and_doubles_nothing(server, tmp_path):
    step = a_step(
        "echo half; until [ -e ~/go-on ]; do sleep 0.02; done; seq 1 20000; echo full; exit 7"
    )
    order = an_order(step, a_step("echo never"))
    told = await _killed_after_half(server, order, tmp_path)
    home = world_of(tmp_path / "runner", order) / "home"
    async with a_runner(server, tmp_path / "runner"):
        (home / "go-on").touch()
        await told.ended.wait()
    numbers = "".join(f"{number}\n" for number in range(1, 20001))
    assert told.output(2) == f"half\n{numbers}full\n\nExited with code exit status 7\n"
    assert told.reports[2].exit_code == 7
    assert told.result.status is ExecutionStatus.FAILED
    assert told.output(0).count("Running as processes") == 1


async def test_a_job_that_died_with_its_runner_is_an_infrastructure_failure(server, tmp_path):
    order = an_order("echo half; sleep 600")
    told = await _killed_after_half(server, order, tmp_path)
    (identity,) = (tmp_path / "runner" / "jobs").glob("*/process.json")
    os.kill(json.loads(identity.read_text())[0], signal.SIGKILL)
    async with a_runner(server, tmp_path / "runner"):
        await told.ended.wait()
    assert told.result.status is ExecutionStatus.INFRASTRUCTURE_FAIL
    assert list((tmp_path / "runner" / "jobs").iterdir()) == []
    assert marked(HOME_MARK, str(tmp_path / "runner" / "jobs")) == []


async def _killed_after_half(server, order, tmp_path):
    """Let a runner work until its job has said "half", kill it, and tell the server its state."""
    import pickle

    given, state = tmp_path / "order", tmp_path / "state"
    given.write_bytes(pickle.dumps(order))
    root = Path(__file__).parents[3]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", VICTIM, str(given), str(tmp_path / "runner"), str(state)),
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


async def test_a_runner_says_at_its_start_what_it_has(server, tmp_path):
    order = an_order("echo up; sleep 0.2; echo on")
    async with a_runner(server, tmp_path):
        await server.until_called("settle")
        assert server.settled == frozenset()
        told = server.submit(order)
        await told.until_log_has("up")
    server.calls.clear()
    async with a_runner(server, tmp_path):
        await server.until_called("settle")
        assert server.settled == {order.lease.execution_id}
        await told.ended.wait()
