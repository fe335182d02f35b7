"""A backup taken while jobs run has everything, and a server starts on what was put back."""

import asyncio
import os
import stat
import tarfile
from pathlib import Path

import pytest

from roundel.app.backup import back_up, restore
from roundel.domain.runners import StepStatus
from roundel.settings import Settings
from roundel.store.backup import CannotRestore
from roundel.store.folder import FolderInUse
from tests.builders import a_plan
from tests.fakes import ScriptedRunner, a_chunk, a_report
from tests.postgres import Cluster
from tests.scenarios.conftest import House

BIG = os.urandom(100_000)  # an object of its own, not a row


def place(folder: Path, url: str | None) -> Settings:
    return Settings(data=folder, database_url=url)


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, database_url: str | None):
    """Another empty database of the same kind."""
    if database_url is None:
        yield None
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    url = cluster.fresh()
    yield url
    cluster.drop(url)


async def test_what_was_there_at_the_backup_is_there_after_the_restore(
    house: House, tmp_path: Path, empty_url: str | None
) -> None:
    pipeline = await house.trigger(a_plan("build", "test<build"))
    order = await house.runner.claim()
    assert order is not None
    await house.engine.runners.report(order.lease, [a_report()])
    await house.engine.runners.chunk(order.lease, [a_chunk(BIG)])
    file = tmp_path / "backup.tar"
    await asyncio.to_thread(back_up, place(house.folder, house.database_url), file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    later = await house.trigger(a_plan("later"))

    token = (house.folder / "admin-token").read_text()
    await asyncio.to_thread(restore, place(tmp_path / "other", empty_url), file)
    other = House(tmp_path / "other", empty_url)
    other.admin, other.project = house.admin, house.project
    await other.engine.start()
    assert not (tmp_path / "other" / "admin-token").exists()
    assert token.strip()
    assert await other.engine.reads.pipeline(later.id) is None
    logs = other.engine.logs.read(order.lease.execution_id, 0)
    assert b"".join([piece.data async for piece in logs]) == BIG
    # The job that ran at that moment is gone on with, as after a crash.
    resumed = await other.engine.runners.resume(order.lease)
    assert resumed is not None
    assert resumed.steps[0].report.status is StepStatus.RUNNING
    await ScriptedRunner(other.engine.runners).carry_out(order)
    assert await other.runner.run_all() == ["test"]
    assert (await other.workflow(pipeline)).status == "success"
    assert (await other.trigger(a_plan("next"))).number == pipeline.number + 1
    assert other.engine.signing_key() == house.engine.signing_key()
    await other.engine.stop()


async def test_backups_under_load_are_whole(
    house: House, tmp_path: Path, empty_url: str | None
) -> None:
    working = asyncio.create_task(work(house))
    files = []
    for number in range(4):
        files.append(tmp_path / f"{number}.tar")
        await asyncio.to_thread(back_up, place(house.folder, house.database_url), files[-1])
    await working
    await asyncio.to_thread(restore, place(tmp_path / "other", empty_url), files[-1])
    other = House(tmp_path / "other", empty_url)
    await other.engine.start()
    found = await other.rows("SELECT execution_id, position, size FROM step")
    for execution, step, size in found:
        logs = other.engine.logs.read(execution, step)
        assert sum([len(piece.data) async for piece in logs]) == size
    await other.engine.stop()


async def work(house: House) -> None:
    for _ in range(12):
        await house.trigger(a_plan("one", "two"))
        while (order := await house.runner.claim()) is not None:
            await house.engine.runners.report(order.lease, [a_report()])
            await house.engine.runners.chunk(order.lease, [a_chunk(BIG)])
            await house.runner.carry_out(order)


async def test_nothing_is_ever_overwritten(
    house: House, tmp_path: Path, empty_url: str | None
) -> None:
    file = tmp_path / "backup.tar"
    here = place(house.folder, house.database_url)
    back_up(here, file)
    with pytest.raises(FolderInUse):
        restore(here, file)
    await house.engine.stop()
    with pytest.raises(CannotRestore, match=r"empty (folder|database)"):
        restore(here, file)


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    odd = tmp_path / "odd.tar"
    odd.write_bytes(b"not a tar")
    with pytest.raises(CannotRestore, match="cannot read"):
        restore(place(tmp_path / "data", None), odd)
    with tarfile.open(odd, "w") as tar:
        tar.addfile(tarfile.TarInfo("../../etc/passwd"))
    with pytest.raises(CannotRestore, match="no backup of Roundel's"):
        restore(place(tmp_path / "data", None), odd)
