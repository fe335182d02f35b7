"""Sandboxes of back ends, opened by hand: what is said in them, and what is left of them."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from roundel.backends.docker import DockerBackend
from roundel.backends.folder import memory_folder
from roundel.backends.protocol import Backend, Sandbox, StepOrder
from roundel.domain.runners import JobOrder, NextContainer
from tests.engine import Engine
from tests.fake_server import an_order
from tests.waiting import until

AHEAD = "Prepared ahead: started at 2"  # what a job says whose container was made before it came


@contextlib.asynccontextmanager
async def opened(backend: Backend, home: Path, order: JobOrder) -> AsyncIterator[Sandbox]:
    folder = home / order.lease.execution_id
    folder.mkdir(mode=0o700, exist_ok=True)
    async with backend.open(order, folder) as sandbox:
        yield sandbox


async def said(sandbox: Sandbox, script: str, index: int = 2) -> str:
    heard = []

    async def out(data: bytes, _source_end: int) -> None:
        heard.append(data)

    step = StepOrder(index=index, script=script, argv=None, cwd=None, environment={})
    end = await sandbox.run(step, out)
    assert end.code == 0, heard
    return b"".join(heard).decode()


def names(home: Path) -> set[str]:
    return {path.name for path in home.iterdir()}


def secrets_below(home: Path) -> list[Path]:
    """Return what lies in memory for jobs below `home`; other tests have jobs as well."""
    found = []
    for owner in memory_folder().glob("secrets-*/of"):
        with contextlib.suppress(FileNotFoundError):
            if Path(owner.read_text()).is_relative_to(home):
                found.append(owner.parent)
    return found


def supervisors(home: Path) -> list[Path]:
    """Return the event files of containers that wait for a job."""
    return [path for path in home.glob("ahead/*/job/events") if "ready" in path.read_text()]


async def ready(home: Path, count: int = 1) -> None:
    """Return once so many wait for their jobs."""

    async def there() -> bool:
        return len(supervisors(home)) == count

    await until(there)


async def gone(engine: Engine, home: Path, but: int = 0) -> None:
    """Return once only so many containers are left."""

    async def nothing() -> bool:
        return len(engine.containers_below(home)) == but

    await until(nothing)


@contextlib.asynccontextmanager
async def prepared(
    backend: DockerBackend, home: Path, *wanted: NextContainer
) -> AsyncIterator[None]:
    """Run a job, and have these made beside it; wait until they are there."""
    backend.ahead.free = lambda: len(wanted)
    async with opened(backend, home, an_order(image=wanted[0].image, upcoming=wanted)):
        await ready(home, len(wanted))
        yield
