"""A runner that is started with another back end removes what its jobs have left on the first."""

import pytest

from roundel.backends.ahead import Kind, folder_ahead, names_ahead, new_name
from roundel.backends.choosing import former_of, make_backend
from roundel.backends.former import NOTE
from roundel.backends.processes import executions_of
from roundel.domain.jobs import ExecutionStatus
from roundel.settings import BackendChoice, Settings
from tests.fake_server import FakeServer, an_order
from tests.images import BUSYBOX, have
from tests.unit.runner.conftest import a_runner
from tests.waiting import until

pytestmark = pytest.mark.e2e
ORDER = ("containers", "processes")
BACKENDS = {"containers": BackendChoice.DOCKER, "processes": BackendChoice.PROCESS}


def of_kind(kind, folder):
    settings = Settings(data=folder, backend=BACKENDS[kind])
    return {"backend": make_backend(settings), "former": former_of(settings, folder)}


@pytest.mark.parametrize("kinds", [ORDER, ORDER[::-1]], ids=["to-processes", "to-containers"])
async def test_jobs_of_another_back_end_are_removed_there(engine, tmp_path, monkeypatch, kinds):
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    server = FakeServer()
    order = an_order("echo up; sleep 600", image=have(engine, BUSYBOX))
    async with a_runner(server, tmp_path, **of_kind(kinds[0], tmp_path)):
        told = server.submit(order)
        await told.until_log_has("up")
    assert left_of(kinds[0], engine, tmp_path) > 0  # it goes on, for the next runner to take up
    async with a_runner(server, tmp_path, **of_kind(kinds[1], tmp_path)):
        await told.ended.wait()

        async def nothing_left():
            noted = (tmp_path / NOTE).read_text().split()
            return left_of(kinds[0], engine, tmp_path) == 0 and noted == [kinds[1]]

        await until(nothing_left)
    assert told.result.status is ExecutionStatus.INFRASTRUCTURE_FAIL
    assert "another back end" in told.log() + (told.result.message or "")


def left_of(kind, engine, folder):
    if kind == "containers":
        return len(engine.containers_below(folder))
    return len(executions_of(str(folder / "jobs")))


async def test_processes_leave_alone_what_containers_have_prepared(tmp_path):
    name = new_name(Kind.CONTAINER)
    folder_ahead(tmp_path, name).root.mkdir(parents=True)
    backend = make_backend(Settings(data=tmp_path, backend=BackendChoice.PROCESS))
    await backend.sweep(tmp_path, ())
    await backend.close()
    assert names_ahead(tmp_path, Kind.CONTAINER) == {name}


async def test_an_engine_that_is_not_there_is_asked_again_at_the_next_start(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    (tmp_path / NOTE).write_text("containers\n")
    former = former_of(Settings(data=tmp_path, backend=BackendChoice.PROCESS), tmp_path)
    assert await former.sweep(tmp_path / "jobs") == 0
    assert "what jobs of an earlier start left there stays" in caplog.text
    assert (tmp_path / NOTE).read_text().split() == ["containers", "processes"]
