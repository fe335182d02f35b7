"""Containers that cannot be had: what is the user's affair, and what is this installation's.

The words are those of Docker 20 to 28 and of Podman, as their engines and runtimes give them.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roundel.backends.docker import DockerBackend
from roundel.backends.protocol import CannotOpen
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import ImagePlan
from roundel.domain.runners import NextContainer
from tests.engine import RunningEngine
from tests.fake_engine import HANGS_UP, FakeEngine, fake_engine
from tests.fake_server import FakeServer, an_order
from tests.images import BUSYBOX, have
from tests.unit.runner.conftest import a_runner

OCI = "OCI runtime create failed: "
RUNC = OCI + "runc create failed: unable to start container process: "
OLD_RUNC = OCI + "container_linux.go:380: starting container process caused: "
CREATE, START = "POST containers create", "POST containers start"


@pytest.fixture
async def fake(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FakeEngine]:
    async with fake_engine(tmp_path_factory.mktemp("e")) as engine:  # a socket's path is short
        yield engine


async def refusal(fake: FakeEngine, folder: Path, user: str | None = None) -> CannotOpen:
    """Return why a job's container could not be had."""
    backend = DockerBackend(url=fake.url)
    plan = ImagePlan(image="acme/app", environment={}, user=user)
    job = folder / "job"
    await asyncio.to_thread(job.mkdir, mode=0o700)
    try:
        with pytest.raises(CannotOpen) as told:
            async with backend.open(an_order(images=[plan]), job):
                pass
    finally:
        await backend.close()
    assert fake.left == {}
    return told.value


@pytest.mark.parametrize(
    ("call", "status", "message"),
    [
        (CREATE, 500, "mkdir /var/lib/docker/overlay2/ab-init: no space left on device"),
        (CREATE, 409, "Conflict. The container name is already in use"),
        (
            CREATE,
            400,
            'invalid mount config for type "bind": bind source path does not exist: /r/job',
        ),
        (CREATE, HANGS_UP, ""),
        (
            START,
            500,
            "failed to create endpoint a on network bridge: no available IPv4 addresses on this "
            "network's address pools: bridge (ab)",
        ),
        (START, 500, "failed to set up container networking: driver failed programming external"),
        (START, 500, OCI + "fork/exec /usr/bin/runc: resource temporarily unavailable: unknown"),
        (START, 500, 'exec: "iptables": executable file not found in $PATH'),
        (START, 404, "No such container: 0123"),
        (START, 400, RUNC + "container init was OOM-killed (memory limit too low?): unknown"),
        (
            START,
            500,
            RUNC + 'error mounting "/r/job" to rootfs at "/.roundel": stat /r/job: no such file '
            "or directory: unknown",
        ),
        (START, 500, "cgroups: cannot find cgroup mount destination: unknown"),
        (START, 500, 'driver "overlay2" failed: input/output error'),
        (START, HANGS_UP, ""),
        ("GET images json", 500, "Get containerd: transport is closing"),
        ("GET images json", HANGS_UP, ""),
    ],
)
async def test_trouble_of_the_engine_is_an_infrastructure_failure(
    fake, tmp_path, call, status, message
):
    fake.failing[call] = (status, message)
    told = await refusal(fake, tmp_path, user="circleci")
    assert told.infrastructure
    assert message in str(told)


@pytest.mark.parametrize(
    ("call", "status", "message", "why"),
    [
        (
            START,
            400,
            OLD_RUNC + 'exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown',
            "it has no /bin/sh",
        ),
        (
            START,
            400,
            RUNC + 'exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown',
            "it has no /bin/sh",
        ),
        (
            START,
            400,
            RUNC + 'error during container init: exec: "serve": executable file not found in '
            "$PATH: unknown",
            '"serve"',
        ),
        (START, 400, RUNC + 'exec: "/etc/serve": permission denied: unknown', '"/etc/serve"'),
        (
            START,
            500,
            "crun: executable file `serve` not found in $PATH: No such file or directory: OCI "
            "runtime attempted to invoke a command that was not found",
            "serve",
        ),
        (
            START,
            500,
            "unable to find user circleci: no matching entries in passwd file",
            'it has no user "circleci"',
        ),
        (
            START,
            400,
            OLD_RUNC + 'chdir to cwd ("/root") set in config.json failed: permission denied',
            "chdir to cwd",
        ),
        (CREATE, 400, "invalid environment variable: =x", "invalid environment variable"),
        ("GET images json", 400, "invalid reference format", "not an image name"),
    ],
)
async def test_what_image_and_config_cannot_do_together_is_the_users_affair(
    fake, tmp_path, call, status, message, why
):
    fake.failing[call] = (status, message)
    told = await refusal(fake, tmp_path, user="circleci")
    assert not told.infrastructure
    assert why in str(told)


@pytest.mark.parametrize(
    ("infrastructure", "message"),
    [
        (False, "manifest for acme/app:latest not found: manifest unknown: manifest unknown"),
        (
            False,
            "pull access denied for acme/app, repository does not exist or may require 'docker "
            "login': denied: requested access to the resource is denied",
        ),
        (False, "unauthorized: authentication required"),
        (False, "no matching manifest for linux/amd64 in the manifest list entries"),
        (False, "Get https://no.example/v2/: dial tcp: lookup no.example: no such host"),
        (True, "Get https://r.example/v2/: dial tcp 10.0.0.1:443: connect: connection refused"),
        (True, "Get https://r.example/v2/: net/http: TLS handshake timeout"),
        (True, "Get https://r.example/v2/: dial tcp: lookup r.example: i/o timeout"),
        (True, "Get https://r.example/v2/: unexpected EOF"),
        (True, "received unexpected HTTP status: 503 Service Unavailable"),
        (True, "toomanyrequests: You have reached your unauthenticated pull rate limit."),
        (True, "failed to register layer: write /usr/lib/a: no space left on device"),
    ],
)
async def test_a_registry_out_of_reach_is_told_apart_from_an_image_that_may_not_be_had(
    fake, tmp_path, infrastructure, message
):
    fake.pulling = message
    told = await refusal(fake, tmp_path)
    assert told.infrastructure == infrastructure
    assert message.rstrip(".") in str(told)


async def test_an_image_that_is_gone_each_time_is_told_and_is_no_fault_of_the_job(fake, tmp_path):
    fake.failing[CREATE] = (404, "No such image: sha256:abc")
    told = await refusal(fake, tmp_path)
    assert told.infrastructure
    assert '"acme/app" was removed while the job began' in str(told)
    assert fake.asked.count(CREATE) == 2


async def test_a_container_that_is_not_removed_is_told_and_left_to_the_sweep(
    fake, tmp_path, caplog
):
    fake.failing |= {
        START: (500, "cannot start it"),
        "DELETE containers one": (500, "device or resource busy"),
    }
    backend = DockerBackend(url=fake.url)
    order = an_order(images=[ImagePlan(image="acme/app", environment={})])
    folder = tmp_path / order.lease.execution_id
    await asyncio.to_thread(folder.mkdir, mode=0o700)
    with pytest.raises(CannotOpen):
        async with backend.open(order, folder):
            pass
    (left,) = fake.left
    assert fake.asked.count("DELETE containers one") == 3
    (record,) = caplog.records
    assert f"event=container_left container={left} execution={folder.name}" in record.message
    assert "device or resource busy" in record.message
    assert await backend.sweep(tmp_path, {order.lease.execution_id}) == 0
    del fake.failing["DELETE containers one"]
    assert await backend.sweep(tmp_path, frozenset()) == 1
    assert fake.left == {}
    await backend.close()


async def test_a_container_of_a_job_that_began_is_told_of_with_its_job(fake, tmp_path, caplog):
    fake.failing["DELETE containers one"] = (500, "device or resource busy")
    backend = DockerBackend(url=fake.url)
    order = an_order(images=[ImagePlan(image="acme/app", environment={})])
    folder = tmp_path / order.lease.execution_id
    await asyncio.to_thread(folder.mkdir, mode=0o700)
    async with backend.open(order, folder):
        pass
    (left,) = fake.left
    (record,) = caplog.records
    whose = f"execution={folder.name} job={order.job_name}:"
    assert f"event=container_left container={left} {whose}" in record.message
    await backend.close()


async def test_what_is_left_is_removed_with_the_next_job_too(fake, tmp_path):
    fake.failing["DELETE containers one"] = (500, "device or resource busy")
    backend = DockerBackend(url=fake.url)
    fake.failing[START] = (500, "cannot start it")
    for number, left in ((1, 1), (2, 0)):
        folder = tmp_path / str(number)
        await asyncio.to_thread(folder.mkdir, mode=0o700)
        order = an_order(images=[ImagePlan(image="acme/app", environment={})])
        with pytest.raises(CannotOpen):
            async with backend.open(order, folder):
                pass
        assert len(fake.left) == left
        fake.failing.pop("DELETE containers one", None)
    await backend.close()


@pytest.mark.parametrize("call", [CREATE, START, "GET images json"])
async def test_what_cannot_be_made_ahead_is_no_affair_of_any_job(fake, tmp_path, call):
    backend = DockerBackend(url=fake.url)
    backend.ahead.free = lambda: 1
    order = an_order(image="acme/app", upcoming=[NextContainer(image="acme/next")])
    folder = tmp_path / order.lease.execution_id
    await asyncio.to_thread(folder.mkdir, mode=0o700)
    async with backend.open(order, folder):
        fake.failing[call] = (500, "no space left on device")
        await backend.ahead.drop()
        assert len(fake.left) == 1
        assert not (tmp_path / "ahead").exists()
    assert fake.left == {}
    await backend.close()


@pytest.mark.e2e
@pytest.mark.docker
async def test_a_job_that_the_engine_cannot_start_ends_as_an_infrastructure_failure(
    engine, tmp_path
):
    # A setting of the runner's that the engine takes, and its OCI runtime does not.
    backend = DockerBackend(url=engine.url, shared=[Path("/proc/tty")])
    server = FakeServer()
    async with a_runner(server, tmp_path, backend=backend):
        told = server.submit(an_order("true", image=have(engine, BUSYBOX)))
        await told.ended.wait()
    assert told.result.status is ExecutionStatus.INFRASTRUCTURE_FAIL, told.log()
    assert "OCI runtime create failed" in told.result.message
    assert engine.containers_below(tmp_path) == []


@pytest.mark.e2e
@pytest.mark.docker
async def test_a_network_without_an_address_left_is_an_infrastructure_failure(tmp_path):
    running = await asyncio.to_thread(RunningEngine, bits=30)  # the bridge and one container
    try:
        image = await asyncio.to_thread(have, running.engine, BUSYBOX)
        server = FakeServer()
        backend = DockerBackend(url=running.engine.url)
        async with a_runner(server, tmp_path, backend=backend, slots=2):
            first = server.submit(an_order("echo up; sleep 600", image=image))
            await first.until_log_has("up")
            second = server.submit(an_order("true", image=image))
            await second.ended.wait()
            assert second.result.status is ExecutionStatus.INFRASTRUCTURE_FAIL, second.log()
            assert "no available IPv4 addresses" in second.result.message
            first.cancel.set()
            await first.ended.wait()
    finally:
        await asyncio.to_thread(running.stop)


async def test_an_engine_without_its_usual_network_can_be_used(fake: FakeEngine) -> None:
    fake.failing["GET networks one"] = (404, "network bridge not found")
    backend = DockerBackend(url=fake.url)
    try:
        assert await backend.gateway() == "127.0.0.1"
    finally:
        await backend.close()
