"""What goes wrong around a job: it ends in plain words, and nothing stays behind."""

import asyncio
import contextlib
import hashlib
import os
import random
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from roundel.backends.docker import DockerBackend
from roundel.backends.process import ProcessBackend
from roundel.backends.protocol import Backend
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import ImagePlan
from roundel.domain.runners import Chunk, Lease, Orders
from tests.engine import Engine, RunningEngine
from tests.fake_server import FakeServer, a_step, an_order
from tests.images import BUSYBOX, DEBIAN, have
from tests.unit.runner.conftest import a_runner

pytestmark = [pytest.mark.e2e, pytest.mark.docker]
OK, LOST = ExecutionStatus.SUCCESS, ExecutionStatus.INFRASTRUCTURE_FAIL


class Weighing(FakeServer):
    """Keeps no output of steps, only its size and hash."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0
        self.hash = hashlib.sha256()

    async def take_output(self, lease: Lease, chunks: Sequence[Chunk]) -> Orders:
        told = self._held(lease)
        for chunk in chunks:
            if chunk.step == 2:
                self.size += len(chunk.data)
                self.hash.update(chunk.data)
        return self._orders(told)


@pytest.fixture(params=["process", "docker"])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    made: Backend = ProcessBackend()
    if request.param == "docker":
        made = DockerBackend(url=request.getfixturevalue("engine").url)
    yield made
    await made.close()


@pytest.fixture
def debian(engine: Engine) -> str:
    return have(engine, DEBIAN)


def what_is_there(engine: Engine, home: Path) -> tuple[object, ...]:
    return (
        engine.containers_below(home),
        engine.docker("network", "ls", "-q"),
        engine.docker("volume", "ls", "-q"),
    )


@pytest.mark.parametrize("seed", range(100 if os.environ.get("ROUNDEL_SOAK") else 10))
async def test_a_job_in_containers_can_be_canceled_at_any_moment(engine, debian, tmp_path, seed):
    chance = random.Random(seed)
    before = what_is_there(engine, tmp_path)
    server = FakeServer()
    images = [ImagePlan(image=debian, environment={}, name="one")]
    images.append(ImagePlan(image=debian, environment={}, command=("sleep", "600")))
    async with a_runner(server, tmp_path, backend=DockerBackend(url=engine.url)) as runner:
        told = server.submit(
            an_order(
                a_step("sleep 600", background=True),
                "trap '' TERM; setsid sleep 600 & echo a",
                "sleep 9",
                images=images,
            )
        )
        await asyncio.sleep(chance.uniform(0, 0.8))
        told.cancel.set()
        async with asyncio.timeout(10):
            await told.ended.wait()
            await asyncio.gather(*runner._tasks)
        assert told.result.status is ExecutionStatus.CANCELED
    assert what_is_there(engine, tmp_path) == before
    assert await asyncio.to_thread(lambda: list((tmp_path / "jobs").iterdir())) == []


async def test_an_engine_that_restarts_under_a_job_is_told_and_nothing_stays_behind(tmp_path):
    running = await asyncio.to_thread(RunningEngine)
    try:
        image = await asyncio.to_thread(have, running.engine, BUSYBOX)
        server = FakeServer()
        backend = DockerBackend(url=running.engine.url)
        async with a_runner(server, tmp_path, backend=backend, slots=1) as runner:
            told = server.submit(an_order("echo up; sleep 600", image=image))
            await told.until_log_has("up")
            await asyncio.to_thread(running.end)
            await told.ended.wait()
            assert told.result.status is LOST
            assert "environment was lost" in told.result.message
            meanwhile = server.submit(an_order("echo again", image=image))
            await meanwhile.ended.wait()
            assert meanwhile.result.status is LOST
            assert "container engine failed" in meanwhile.result.message
            await asyncio.gather(*runner._tasks)
            await asyncio.to_thread(running.begin)
            after = server.submit(an_order("echo back", image=image))
            await after.ended.wait()
            assert after.output(2) == "back\n", after.log()
            await asyncio.gather(*runner._tasks)
            assert running.engine.docker("ps", "-aq") == ""
    finally:
        await asyncio.to_thread(running.stop)


@contextlib.contextmanager
def a_silent_registry() -> Iterator[int]:
    """Take connections and never say a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        kept = []

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    kept.append(listening.accept()[0])

        taking = threading.Thread(target=take)
        taking.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        taking.join()
        for connection in kept:
            connection.close()


async def test_a_registry_that_never_answers_costs_its_time_and_no_more(engine, tmp_path):
    server = FakeServer()
    backend = DockerBackend(url=engine.url, pull_seconds=0.5)
    with a_silent_registry() as port:
        async with a_runner(server, tmp_path, backend=backend):
            told = server.submit(an_order("true", image=f"127.0.0.1:{port}/no/image:1"))
            await told.ended.wait()
    assert told.result.status is LOST
    assert "did not come within" in told.output(0)


@contextlib.contextmanager
def a_small_disk(where: Path, size: str) -> Iterator[None]:
    where.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(where)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


@pytest.mark.parametrize(
    "script",
    ["head -c 30000000 /dev/zero", "head -c 30000000 /dev/zero >> ${BASH_ENV%/*}/task/more"],
    ids=["by its output", "by a file"],
)
async def test_a_full_disk_is_told_apart_from_a_failing_test(backend, debian, tmp_path, script):
    server = FakeServer()
    with a_small_disk(tmp_path / "small", "8m"):
        async with a_runner(server, tmp_path / "small", backend=backend, slots=1):
            told = server.submit(an_order(script, image=debian))
            async with asyncio.timeout(30):
                await told.ended.wait()
            assert told.result.status is LOST, told.log()[-2000:]
            assert "disk of the machine" in told.reports[2].message
            after = server.submit(an_order("exit 3", image=debian))
            await after.ended.wait()
            assert after.result.status is ExecutionStatus.FAILED


async def test_a_gigabyte_arrives_whole(backend, debian, tmp_path):
    size = 1_000_000_000
    server = Weighing()
    async with a_runner(server, tmp_path, backend=backend):
        script = f"yes | head -c {size} || true"  # yes dies of the closed pipe
        told = server.submit(an_order(script, image=debian, masks=["a-secret-of-ours"]))
        await told.ended.wait()
    assert told.result.status is OK
    assert server.size == size
    wanted = hashlib.sha256()
    block = b"y\n" * 500_000
    for _ in range(size // len(block)):
        wanted.update(block)
    assert server.hash.digest() == wanted.digest()


async def test_a_line_of_a_hundred_megabytes_arrives_whole(backend, debian, tmp_path):
    size = 100_000_000
    server = Weighing()
    async with a_runner(server, tmp_path, backend=backend):
        script = f"head -c {size} /dev/zero | tr '\\0' x"
        told = server.submit(an_order(script, image=debian, masks=["a-secret-of-ours"]))
        await told.ended.wait()
    assert told.result.status is OK
    assert server.hash.digest() == hashlib.sha256(b"x" * size).digest()


async def test_any_bytes_arrive_as_they_are(backend, debian, tmp_path):
    server = Weighing()
    every = "import os,sys; sys.stdout.buffer.write(bytes(range(256)) * 4000)"
    async with a_runner(server, tmp_path, backend=backend):
        told = server.submit(an_order(f"python3 -c '{every}'", image=debian))
        await told.ended.wait()
    assert told.result.status is OK
    assert server.hash.digest() == hashlib.sha256(bytes(range(256)) * 4000).digest()


async def test_daemons_closed_outputs_and_deaf_processes_do_not_hold_a_job(
    backend, debian, tmp_path
):
    server = FakeServer()
    async with a_runner(server, tmp_path, backend=backend):
        told = server.submit(
            an_order(
                "(setsid sleep 600 &); nohup sleep 600 & echo over",
                "trap '' TERM HUP INT; exec >&- 2>&-; sleep 0.1; exit 4",
                image=debian,
            )
        )
        async with asyncio.timeout(20):
            await told.ended.wait()
        assert told.output(2) == "over\n"
        assert told.reports[3].exit_code == 4
        deaf = server.submit(
            an_order(
                a_step("trap '' TERM; while :; do sleep 1; done", no_output_timeout="300ms"),
                image=debian,
            )
        )
        async with asyncio.timeout(20):
            await deaf.ended.wait()
        assert deaf.result.status is ExecutionStatus.TIMEDOUT
