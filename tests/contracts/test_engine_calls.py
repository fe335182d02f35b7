"""What a job asks of the container engine: as little as it can."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roundel.backends.docker import DockerBackend
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.runners import NextContainer
from tests.engine import Engine
from tests.fake_server import FakeServer, an_order
from tests.images import BUSYBOX, have
from tests.unit.runner.conftest import a_runner

pytestmark = [pytest.mark.e2e, pytest.mark.docker]
REQUEST = re.compile(
    rb"(?:^|\r\n)(GET|POST|PUT|DELETE|HEAD) /(?:v[\d.]+/)?(\w+)[^ ]* HTTP/1\.1\r\n"
)


@contextlib.asynccontextmanager
async def overheard(engine: Engine, socket: Path) -> AsyncIterator[list[str]]:
    """Pass everything on to the engine; yield the requests, by method and first word."""
    asked: list[str] = []
    passing: set[asyncio.Task[None]] = set()

    async def one_way(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listening: bool
    ) -> None:
        try:
            while data := await reader.read(65536):
                if listening:
                    asked.extend(f"{m[1].decode()} {m[2].decode()}" for m in REQUEST.finditer(data))
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_unix_connection(engine.socket)
        for way in (one_way(reader, there[1], True), one_way(there[0], writer, False)):
            task = asyncio.create_task(way)
            passing.add(task)
            task.add_done_callback(passing.discard)

    server = await asyncio.start_unix_server(connected, socket)
    try:
        yield asked
    finally:
        server.close()
        await asyncio.gather(*passing, return_exceptions=True)  # the runner has hung up


async def test_an_image_that_is_there_is_looked_up_by_the_first_of_several_jobs(
    engine, tmp_path_factory
):
    image = have(engine, BUSYBOX)
    folder = tmp_path_factory.mktemp("e")  # a socket's path must be short
    async with overheard(engine, folder / "s") as asked:
        backend = DockerBackend(url=f"unix://{folder}/s")
        server = FakeServer()
        async with a_runner(server, folder / "runner", backend=backend) as runner:
            for looked_up in (1, 0, 0):
                asked.clear()
                told = server.submit(an_order("true", image=image))
                await told.ended.wait()
                await asyncio.gather(*runner._tasks)
                assert told.result.status is ExecutionStatus.SUCCESS
                assert [each for each in asked if "images" in each] == ["GET images"] * looked_up
        # The last one's container: made, started, waited for; and removed.
        assert sorted(asked) == ["DELETE containers", *["POST containers"] * 3]


async def test_a_container_that_is_made_ahead_costs_the_same_calls(engine, tmp_path_factory):
    image = have(engine, BUSYBOX)
    folder = tmp_path_factory.mktemp("e")
    async with overheard(engine, folder / "s") as asked:
        backend = DockerBackend(url=f"unix://{folder}/s")
        server = FakeServer()
        async with a_runner(server, folder / "runner", backend=backend) as runner:
            for upcoming in ([NextContainer(image=image)],) * 2 + ([],):
                told = server.submit(an_order("true", image=image, upcoming=upcoming))
                await told.ended.wait()
            await asyncio.gather(*runner._tasks)
        assert "Prepared ahead" in told.output(0)
        of_jobs = [each for each in asked if not each.startswith("GET")]
        assert sorted(of_jobs) == [*["DELETE containers"] * 3, *["POST containers"] * 9]
        assert asked.count("GET images") == 1
        assert asked.count("GET containers") == 1  # the sweep's, at the start
