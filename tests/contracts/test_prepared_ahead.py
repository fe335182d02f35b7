"""Containers that are made before their job comes: whose they are at each moment, and what not."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from roundel.backends.docker import DockerBackend
from roundel.backends.folder import JobFolder
from roundel.backends.protocol import Backend
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import ImagePlan
from roundel.domain.runners import JobOrder, NextContainer
from tests.contracts.sandboxes import (
    AHEAD,
    gone,
    names,
    opened,
    prepared,
    ready,
    said,
    secrets_below,
)
from tests.engine import Engine
from tests.fake_server import FakeServer, an_order
from tests.images import BUSYBOX, DEBIAN, derived, have
from tests.unit.runner.conftest import a_runner
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.docker]
OK = ExecutionStatus.SUCCESS


@pytest.fixture
async def backend(engine: Engine) -> AsyncIterator[DockerBackend]:
    made = DockerBackend(url=engine.url)
    yield made
    await made.close()


# -- a job that has one --

_LOOK = """
set +e
id; pwd; umask; env | sort; hostname; cat /etc/hosts /etc/resolv.conf
stat -c '%n %A %u %g' /* /.[a-z]*
cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null
cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null
ls /.roundel /.roundel-launch; cat /.roundel/events; cut -d ' ' -f 5,6 /proc/self/mountinfo | sort
ps -o args | head -n 4; cut -d : -f 1 /proc/net/dev; exit 0
"""
_OWN = {r"\b[0-9a-f]{12}\b": "HOST", r"\b10\.213\.\d+\.\d+": "ADDRESS"}


async def test_a_job_cannot_tell_that_its_container_was_made_ahead(backend, engine, tmp_path):
    image = have(engine, DEBIAN)
    keys = {"user": "circleci", "resource_class": "small"}
    looks = []
    async with prepared(backend, tmp_path, NextContainer(image=image, **keys)):
        for ahead in (True, False):
            order = an_order(
                images=[ImagePlan(image=image, environment={}, user="circleci")],
                resource_class="small",
                environment={"A": "1"},
            )
            async with opened(backend, tmp_path, order) as sandbox:
                assert (AHEAD in sandbox.opened_how) is ahead
                assert f"Container {image}: image sha256:" in sandbox.opened_how
                text = await said(sandbox, _LOOK)
                for pattern, word in _OWN.items():
                    text = re.sub(pattern, word, text)
                looks.append(text)
    assert looks[0] == looks[1]


async def test_what_a_job_learns_and_leaves_goes_with_it(backend, engine, busybox, tmp_path):
    order = an_order(image=busybox, environment={"KEY": "hunter2-and-more"})
    execution = order.lease.execution_id
    async with prepared(backend, tmp_path, NextContainer(image=busybox)):
        async with opened(backend, tmp_path, order) as sandbox:
            assert AHEAD in sandbox.opened_how
            await said(sandbox, "echo $KEY > /left; echo x > ${BASH_ENV%/*}/task/left")
            files = JobFolder(tmp_path / execution, execution)
            files.remember_secret("learned-later")
            assert files.remembered_secrets() == ["learned-later"]
            ids = [line.split()[1] for line in engine.containers_below(tmp_path)]
            assert len(ids) == 2
            assert "hunter2" not in engine.docker("inspect", *ids)
        assert len(engine.containers_below(tmp_path)) == 1
        assert files.remembered_secrets() == []
        async with opened(backend, tmp_path, an_order(image=busybox)) as sandbox:
            assert AHEAD not in sandbox.opened_how
            assert await said(sandbox, "ls / ${BASH_ENV%/*}/task | grep left || :") == ""
    assert engine.containers_below(tmp_path) == []
    assert not (tmp_path / "ahead").exists()
    assert secrets_below(tmp_path) == []


async def test_the_engine_of_a_job_reads_and_writes_its_files(backend, engine, busybox, tmp_path):
    async with (
        prepared(backend, tmp_path, NextContainer(image=busybox)),
        opened(backend, tmp_path, an_order(image=busybox)) as sandbox,
    ):
        assert AHEAD in sandbox.opened_how
        await said(sandbox, "echo kept > /root/kept")
        archive = b"".join([part async for part in sandbox.archives().read("/root/kept")])
        assert b"kept\n" in archive
        assert await sandbox.save("roundel-test/ahead:kept", tmp_path, cheaply=True)
    image = "roundel-test/ahead:kept"
    try:
        async with opened(backend, tmp_path, an_order(image=image)) as sandbox:
            assert await said(sandbox, "cat /root/kept") == "kept\n"
            assert await backend.sweep(tmp_path, names(tmp_path)) == 0
    finally:
        assert await backend.drop_saved("roundel-test/ahead") == 1


async def test_one_that_is_still_being_made_is_waited_for(backend, engine, busybox, tmp_path):
    backend.ahead.free = lambda: 1
    first = an_order(image=busybox, upcoming=[NextContainer(image=busybox)])
    async with opened(backend, tmp_path, first):
        leaving = asyncio.create_task(_just_open(backend, tmp_path, an_order(image=busybox)))
        await asyncio.sleep(0)
        leaving.cancel()  # the job that waits for it may be cancelled, and the next has it
        await asyncio.gather(leaving, return_exceptions=True)
        async with opened(backend, tmp_path, an_order(image=busybox)) as sandbox:
            assert AHEAD in sandbox.opened_how
            assert await said(sandbox, "echo a") == "a\n"


async def _just_open(backend: Backend, home: Path, order: JobOrder) -> None:
    async with opened(backend, home, order):
        await asyncio.Event().wait()


# -- a job that has none of them --


async def test_a_job_with_something_of_its_own_gets_a_new_one(backend, engine, busybox, tmp_path):
    plan = ImagePlan(image=busybox, environment={})
    others = [
        an_order(images=[replace(plan, user="circleci")]),
        an_order(images=[replace(plan, environment={"A": "1"})]),
        an_order(images=[replace(plan, command=("sleep", "600"))]),
        an_order(images=[replace(plan, name="web")]),
        an_order(images=[plan], resource_class="small"),
        an_order(images=[plan, replace(plan, command=("sleep", "600"))]),
    ]
    async with prepared(backend, tmp_path, NextContainer(image=busybox)):
        told = await asyncio.gather(*(_how_opened(backend, tmp_path, it) for it in others))
        assert [it for it in told if AHEAD in it] == []
        assert AHEAD in await _how_opened(backend, tmp_path, an_order(images=[plan]))


async def _how_opened(backend: Backend, home: Path, order: JobOrder) -> str:
    async with opened(backend, home, order) as sandbox:
        return sandbox.opened_how


async def test_an_image_that_does_something_by_itself_is_not_started_ahead(
    backend, engine, busybox, tmp_path
):
    checking = derived(engine, busybox, "checking", "HEALTHCHECK CMD touch /checked")
    keeping = derived(
        engine,
        busybox,
        "keeping",
        'ENTRYPOINT ["touch", "/entered"]',
        "LABEL com.circleci.preserve-entrypoint=true",
    )
    backend.ahead.free = lambda: 1
    for image in (checking, keeping, "127.0.0.1:1/not/here"):
        first = an_order(image=busybox, upcoming=[NextContainer(image=image)])
        async with opened(backend, tmp_path, first):
            await backend.ahead.drop()
            assert len(engine.containers_below(tmp_path)) == 1
    assert not (tmp_path / "ahead").exists()


async def test_one_that_died_or_whose_image_is_another_by_now_is_not_used(engine, tmp_path):
    image = derived(engine, have(engine, BUSYBOX), "moving", "RUN touch /old")
    tag = "roundel-test/moving:latest"
    engine.docker("tag", image, tag)
    backend = DockerBackend(url=engine.url)
    async with prepared(backend, tmp_path, NextContainer(image=tag), NextContainer(image=tag)):
        ours = engine.docker("ps", "-q", "--filter", f"label=roundel.home={tmp_path}").split()
        dead = next(it for it in ours if _name_ahead(engine, it))
        engine.docker("kill", dead)
        await gone(engine, tmp_path, but=2)
        engine.docker("tag", have(engine, BUSYBOX), tag)
        backend._maker._images.forget(ImagePlan(image=tag, environment={}))  # its 10 s are over
        async with opened(backend, tmp_path, an_order(image=tag)) as sandbox:
            assert AHEAD not in sandbox.opened_how
            assert await said(sandbox, "ls / | grep old || :") == ""
        await gone(engine, tmp_path, but=1)
    await backend.close()


def _name_ahead(engine: Engine, container: str) -> str:
    return engine.docker("inspect", "-f", '{{index .Config.Labels "roundel.ahead"}}', container)


async def test_what_nobody_took_is_gone_soon_after_the_job(engine, busybox, tmp_path):
    backend = DockerBackend(url=engine.url, spare_seconds=0.05)
    async with prepared(backend, tmp_path, NextContainer(image=busybox)):
        assert await backend.sweep(tmp_path, names(tmp_path)) == 0
        assert len(engine.containers_below(tmp_path)) == 2
    await gone(engine, tmp_path)
    await backend.close()
    assert not (tmp_path / "ahead").exists()


# -- the runner --


async def test_the_next_job_of_a_runner_has_what_was_made_beside_the_one_before(
    engine, busybox, tmp_path
):
    server, backend = FakeServer(), DockerBackend(url=engine.url)
    wanted = [NextContainer(image=busybox)]
    async with a_runner(server, tmp_path, backend=backend) as runner:
        first = server.submit(an_order("true", image=busybox, upcoming=wanted))
        await first.ended.wait()
        told = server.submit(an_order("echo a", image=busybox, upcoming=wanted))
        await told.ended.wait()
        assert AHEAD in told.output(0)
        assert told.output(2) == "a\n"
        await ready(tmp_path / "jobs")

        async def alone() -> bool:
            return names(tmp_path / "jobs") == {"ahead"}  # the jobs' own folders go last

        await until(alone)
        await runner.stop(5)  # it claims nothing more, so nothing is kept ahead
        assert engine.containers_below(tmp_path) == []
    assert list((tmp_path / "jobs").iterdir()) == []


@pytest.mark.parametrize("options", [{"slots": 1}, {"backend": 0}], ids=["no slot", "off"])
async def test_nothing_is_made_without_a_slot_for_it(engine, busybox, tmp_path, options):
    server = FakeServer()
    most = options.pop("backend", 2)
    backend = DockerBackend(url=engine.url, prepare_ahead=most)
    async with a_runner(server, tmp_path, backend=backend, **options):
        for _ in range(2):
            order = an_order("true", image=busybox, upcoming=[NextContainer(image=busybox)])
            told = server.submit(order)
            await told.ended.wait()
            assert "Started 1 container(s)" in told.output(0)
        assert server.wanted_ahead == most
