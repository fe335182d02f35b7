"""A runner on the process back end, with a server made by hand."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from importlib import resources
from pathlib import Path

import pytest

from roundel.backends.process import ProcessBackend
from roundel.backends.process_ahead import given_to
from roundel.domain.clock import SystemClock
from roundel.domain.runners import JobOrder
from roundel.runner.main import Runner
from tests.fake_server import FakeServer, Told
from tests.unit.runner.circleci_script import SHELLS, Circleci

RunJob = Callable[[JobOrder], "asyncio.Future[Told]"]


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@contextlib.asynccontextmanager
async def a_runner(server: FakeServer, folder: Path, **options: object) -> AsyncIterator[Runner]:
    """Run a runner for the length of the block."""
    runner = Runner(
        server,
        options.pop("backend", None) or ProcessBackend(),
        folder=folder,
        clock=SystemClock(),
        **{"slots": 2, **options},
    )
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        await runner.stop(0)
        await task


def world_of(folder: Path, order: JobOrder) -> Path:
    """Return where a job's files are: in its own folder, or in one that was made ahead."""
    root = folder / "jobs" / order.lease.execution_id
    name = given_to(root)
    return root.parent / "ahead" / name if name else root


@pytest.fixture
async def run_job(server: FakeServer, tmp_path: Path) -> AsyncIterator[RunJob]:
    """Return a function that runs an order to its end and tells what the server heard."""

    async def run(order: JobOrder) -> Told:
        told = server.submit(order)
        await told.ended.wait()
        return told

    async with a_runner(server, tmp_path):
        yield run


@pytest.fixture(params=list(SHELLS))
def shell(request: pytest.FixtureRequest) -> list[str]:
    words = SHELLS[request.param]
    assert shutil.which(words[0]), f"{words[0]} is needed for this test"
    return words


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job folder, as `circleci` sees it."""
    folder = tmp_path / "job"
    (folder / "bin").mkdir(parents=True)
    text = resources.files("roundel.backends").joinpath("circleci.sh").read_text()
    (folder / "bin" / "circleci").write_text(text)
    (folder / "bin" / "circleci").chmod(0o755)
    (folder / "events").touch()
    return folder


@pytest.fixture
def circleci(shell: list[str], job: Path, tmp_path: Path) -> Circleci:
    tree = tmp_path / "tree"
    tree.mkdir()
    return Circleci(shell, job, tree)
