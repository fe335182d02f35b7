"""Jobs that behave badly, and cancellation at any moment."""

import asyncio
import os
import random
import time
from pathlib import Path

import pytest

from roundel.backends.process import ProcessBackend
from roundel.backends.processes import HOME_MARK, marked
from roundel.domain.jobs import ExecutionStatus
from tests.fake_server import FakeServer, a_step, an_order
from tests.unit.runner.conftest import a_runner, world_of

OK = ExecutionStatus.SUCCESS


async def test_a_very_long_line_arrives_whole(run_job):
    told = await run_job(
        an_order("head -c 20000000 /dev/zero | tr '\\0' x", masks=["secret-value"])
    )
    assert told.output(2) == "x" * 20_000_000
    assert told.result.status is OK


async def test_binary_output_arrives_as_it_is(run_job):
    told = await run_job(an_order("""printf '\\000\\001\\377\\033[31mred\\r\\n'"""))
    assert b"".join(c.data for c in told.chunks[2]) == b"\x00\x01\xff\x1b[31mred\r\n"


async def test_a_step_that_closes_its_output_or_leaves_daemons_still_ends(run_job):
    told = await run_job(an_order("exec >&- 2>&-; sleep 0.05; exit 4"))
    assert told.reports[2].exit_code == 4
    told = await run_job(an_order("(setsid sleep 600 &) ; sleep 600 & echo over"))
    assert told.output(2) == "over\n"
    assert told.result.status is OK


async def test_a_job_that_destroys_its_own_folder_ends_as_lost_or_failed(run_job):
    told = await run_job(an_order('rm -rf "${BASH_ENV%/*}"/*; true', "echo next"))
    assert told.result.status is ExecutionStatus.INFRASTRUCTURE_FAIL
    assert "removed or cut the events file" in told.result.message


async def test_forged_events_do_not_break_the_runner(run_job):
    forge = 'printf "ended 3 0\\nended x\\n\\377\\n" >> "${BASH_ENV%/*}/events"; echo mine'
    told = await run_job(an_order(forge, a_step("exit 1")))
    assert told.output(2) == "mine\n"
    assert told.result is not None


class SlowServer(FakeServer):
    """Takes no output until told to, and then only counts it."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.bytes = 0

    async def take_output(self, lease, chunks):
        await self.go.wait()
        told = self._held(lease)
        self.bytes += sum(len(chunk.data) for chunk in chunks if chunk.step == 2)
        return self._orders(told)


async def test_a_step_far_ahead_of_the_server_is_held_and_loses_nothing(tmp_path):
    server = SlowServer()
    size = 400 * 1024 * 1024
    async with a_runner(server, tmp_path):
        told = server.submit(an_order(f"head -c {size} /dev/zero"))
        await server.until_called("ship")
        await asyncio.to_thread(_until_stopped, "head", str(size))
        held_at = _size(world_of(tmp_path, told.order) / "job" / "2.out")
        assert 256 * 1024 * 1024 < held_at < size
        server.go.set()
        await told.ended.wait()
    assert told.result.status is OK
    assert server.bytes == size


@pytest.mark.parametrize("seed", range(100 if os.environ.get("ROUNDEL_SOAK") else 12))
async def test_a_job_can_be_canceled_at_any_moment(tmp_path, seed):
    chance = random.Random(seed)
    server = FakeServer()
    async with a_runner(server, tmp_path, backend=ProcessBackend()) as runner:
        told = server.submit(
            an_order(
                a_step("sleep 600", background=True), "echo a", "sleep 600 & echo b", "sleep 9"
            )
        )
        await asyncio.sleep(chance.uniform(0, 0.03))
        told.cancel.set()
        await told.ended.wait()
        assert told.result.status is ExecutionStatus.CANCELED
        await asyncio.gather(*runner._tasks)
    assert list((tmp_path / "jobs").iterdir()) == []
    assert marked(HOME_MARK, str(tmp_path / "jobs")) == []


def _until_stopped(*words: str) -> None:
    """Return once a process is frozen.  The kernel tells nobody, so this looks."""
    while _states_of(*words) != ["T"]:
        time.sleep(0.02)


def _size(path: Path) -> int:
    return path.stat().st_size


def _states_of(*words: str) -> list[str]:
    """Return the states of the processes whose command line has all these words."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (
                (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if all(word in command for word in words) and "bash" not in command:
            found.append(state)
    return found
