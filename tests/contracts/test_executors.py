"""Machines, classes and engines for jobs: what containers may do, and what they may not."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roundel.backends.docker import DockerBackend, parse_remote_docker
from roundel.backends.process import ProcessBackend
from roundel.backends.routed import RoutedBackend
from roundel.domain.errors import Invalid
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import ExecutorKind, ExecutorPlan, ImagePlan, StepPlan
from roundel.domain.runners import JobOrder
from tests.engine import Engine
from tests.fake_server import FakeServer, Told, an_order
from tests.images import DEBIAN, have
from tests.unit.runner.conftest import a_runner

pytestmark = [pytest.mark.e2e, pytest.mark.docker]
SETUP = StepPlan(kind="setup_remote_docker", name="Setup a remote Docker engine", args={})
OK = ExecutionStatus.SUCCESS


@pytest.fixture
def debian(engine: Engine) -> str:
    return have(engine, DEBIAN)


def on_a_machine(order: JobOrder, **machine: Any) -> JobOrder:
    return replace(order, executor=ExecutorPlan(kind=ExecutorKind.MACHINE, machine=machine))


async def ended(backend: Any, folder: Path, order: JobOrder) -> Told:
    server = FakeServer()
    async with a_runner(server, folder, backend=backend):
        told = server.submit(order)
        await told.ended.wait()
    return told


async def inspected(
    backend: DockerBackend, engine: Engine, folder: Path, order: JobOrder
) -> list[dict[str, Any]]:
    """Return what the engine knows of a job's containers, the primary last."""
    await asyncio.to_thread(folder.mkdir, mode=0o700)
    async with backend.open(order, folder):
        label = f"label=roundel.execution={order.lease.execution_id}"
        ids = engine.docker("ps", "-aq", "--filter", label).split()
        found: list[dict[str, Any]] = json.loads(engine.docker("inspect", *ids))
    await backend.close()
    return sorted(found, key=lambda each: each["Config"]["Labels"]["roundel.role"], reverse=True)


async def test_containers_have_no_power_over_the_machine(engine, debian, tmp_path):
    backend = DockerBackend(url=engine.url)
    plain = ImagePlan(image=debian, environment={})
    images = [plain, replace(plain, command=("sleep", "600"))]
    order = an_order(SETUP, images=images, resource_class="small")
    containers = await inspected(backend, engine, tmp_path / "job", order)
    assert len(containers) == 2
    for container in containers:
        host = container["HostConfig"]
        assert host["Privileged"] is False
        assert not host["CapAdd"] and not host["Devices"] and not host["Binds"]
        assert host["PidMode"] == "" and host["UTSMode"] == "" and host["UsernsMode"] == ""
        assert host["IpcMode"] in ("", "private", "shareable")
        assert host["NetworkMode"] != "host"
        assert 0 < host["PidsLimit"] <= 16_384
        assert host["Memory"] == host["MemorySwap"] == 2 * 1024**3
        assert host["CpuQuota"] == host["CpuPeriod"]
        assert not any("unconfined" in text for text in host["SecurityOpt"] or ())
        for mount in container["Mounts"]:
            assert mount["Source"].startswith((str(tmp_path), "/dev/shm/roundel-"))
            assert "docker.sock" not in mount["Destination"]


@pytest.mark.parametrize("backend", ["docker", "process"])
async def test_a_remote_engine_is_refused_unless_a_setting_gives_one(
    engine, debian, tmp_path, backend
):
    made = DockerBackend(url=engine.url) if backend == "docker" else ProcessBackend()
    told = await ended(made, tmp_path, an_order(SETUP, "echo never", image=debian))
    assert told.result.status is ExecutionStatus.FAILED
    assert "--remote-docker sidecar=IMAGE" in told.output(2)
    assert len(told.steps()) == 1


async def test_a_remote_engine_can_be_the_engine_itself(engine, debian, tmp_path):
    remote = parse_remote_docker("socket", engine.url)
    # Other tests have containers there as well.
    ours = f'.Labels["roundel.home"] // "" | startswith("{tmp_path}")'
    script = "curl -s --unix-socket /var/run/docker.sock http://x/containers/json"
    script += f" | jq '[.[] | select({ours})] | length'"
    order = an_order(SETUP, script, image=debian)
    told = await ended(DockerBackend(url=engine.url, remote_docker=remote), tmp_path, order)
    assert told.result.status is OK, told.log()
    assert "engine that this job runs on" in told.output(2)
    assert told.output(3) == "1\n"


async def test_only_jobs_that_ask_get_the_engine(engine, debian, tmp_path):
    remote = parse_remote_docker("socket", engine.url)
    order = an_order(
        "ls /var/run/docker.sock || echo none; echo ${DOCKER_HOST-unset}", image=debian
    )
    told = await ended(DockerBackend(url=engine.url, remote_docker=remote), tmp_path, order)
    assert told.output(2).endswith("none\nunset\n")


def test_what_a_remote_engine_may_be_is_checked():
    for text in ("", "sidecar", "sidecar=", "sockets"):
        with pytest.raises(Invalid, match="refuse, socket or sidecar=IMAGE"):
            parse_remote_docker(text, None)
    with pytest.raises(Invalid, match="has no socket here"):
        parse_remote_docker("socket", "tcp://10.0.0.1:2375")


async def test_docker_jobs_and_machine_jobs_run_side_by_side(engine, debian, tmp_path):
    backend = RoutedBackend(DockerBackend(url=engine.url), ProcessBackend())
    server = FakeServer()
    async with a_runner(server, tmp_path, backend=backend):
        container = server.submit(an_order("test -d /.roundel && echo inside", image=debian))
        machine = server.submit(on_a_machine(an_order("test -d /.roundel || echo outside")))
        await asyncio.gather(container.ended.wait(), machine.ended.wait())
    assert container.output(2) == "inside\n", container.log()
    assert machine.output(2) == "outside\n", machine.log()


def why_not_privileged(engine: Engine, image: str) -> str | None:
    """Return what the engine says where it starts no privileged containers."""
    try:
        engine.docker("run", "--rm", "--privileged", "--network", "none", image, "true")
    except RuntimeError as error:
        return str(error)
    return None


async def test_a_machine_job_has_a_privileged_container_or_hears_why_not(engine, debian, tmp_path):
    why_not = await asyncio.to_thread(why_not_privileged, engine, debian)
    script = "mount -t tmpfs none /mnt && echo mounted; test -e /dev/kmsg && echo devices"
    order = on_a_machine(an_order(script), image=debian)
    backend = DockerBackend(url=engine.url, privileged_machines=True)
    told = await ended(backend, tmp_path, order)
    if why_not is None:
        assert told.output(2) == "mounted\ndevices\n", told.log()
    else:
        # A plain container starts here, so the same refusal says that this one was privileged.
        reason = why_not.partition("daemon: ")[2].partition("\n")[0]
        assert reason and reason in told.output(0)
        assert told.result.status is ExecutionStatus.INFRASTRUCTURE_FAIL
        assert list(told.reports) == [0]
