"""Worlds of processes that are made before their job comes: whose they are at each moment."""

import asyncio
import contextlib
import math
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from roundel.backends import process_ahead
from roundel.backends.process import ProcessBackend
from roundel.backends.process_ahead import given_to, stamp_of_the_machine
from roundel.backends.processes import HOME_MARK, marked, told
from roundel.backends.protocol import SandboxLost, StepOrder
from roundel.domain.plan import ExecutorKind, ExecutorPlan
from tests.contracts.sandboxes import opened, said, secrets_below
from tests.fake_server import FakeServer, an_order
from tests.unit.runner.conftest import a_runner
from tests.waiting import until

KINDS = {"as they are here": {}, "as us": {"own_users": False}, "alone": {"namespaces": False}}


@pytest.fixture(params=list(KINDS))
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[ProcessBackend]:
    made = ProcessBackend(**KINDS[request.param])
    made.ahead.stamp = lambda: b""  # other tests mount as they like
    yield made
    await made.close()


async def ready(home: Path, count: int = 1) -> list[Path]:
    """Return the folders of those that wait for a job, once there are so many."""
    found: list[Path] = []

    async def there() -> bool:
        given = {given_to(root) for root in home.glob("*")}
        found[:] = [
            path.parent.parent
            for path in home.glob("ahead/*/job/events")
            if "ready" in path.read_text() and path.parent.parent.name not in given
        ]
        return len(found) == count

    await until(there)
    return found


def left_of(home: Path) -> list[object]:
    """Return all that is there of jobs that are over, and of those that have not come."""
    return [
        *marked(HOME_MARK, str(home)),
        *home.glob("ahead"),
        *home.glob("*/*"),
        *secrets_below(home),
    ]


@contextlib.asynccontextmanager
async def serving(backend: ProcessBackend, home: Path) -> AsyncIterator[None]:
    backend.ahead.serve(home, lambda: 1)
    await ready(home)
    try:
        yield
    finally:
        await backend.ahead.drop()


_LOOK = """
set +e
pwd; umask; env | sort; ls -a ~ /tmp; ulimit -a; ls -l /proc/self/fd | wc -l
stat -c '%n %A' ~ /tmp/.roundel/* "${BASH_ENV%/*}"/*
ps -o args | sed 's, -[aw],,' | head -n 4
cut -d ' ' -f 5,6 /proc/self/mountinfo | grep -v -e overlay2 -e netns | sort; exit 0
"""


async def looks(backend: ProcessBackend, home: Path) -> list[str]:
    """Return what two jobs see: one whose world was made ahead, and one whose was not."""
    seen, given = [], []
    for ahead in (True, False):
        order = an_order(environment={"A": "1"})
        root = home / order.lease.execution_id
        async with contextlib.AsyncExitStack() as stack:
            if ahead:
                await stack.enter_async_context(serving(backend, home))
            sandbox = await stack.enter_async_context(opened(backend, home, order))
            given.append(bool(given_to(root)))
            text = await said(sandbox, _LOOK)
        for name in re.findall(r"ahead/world-[0-9a-f-]+|" + order.lease.execution_id, text):
            text = text.replace(name, "NAME")
        text = re.sub(r"world-[0-9a-f-]{36}", "NAME", text)
        seen.append(re.sub(r"\b1[89]\d{8}\b", "USER", text))
    assert given == [True, False]
    return seen


async def test_a_job_cannot_tell_that_its_world_was_made_ahead(backend, tmp_path):
    stamp, attempt = b"", 0
    while stamp != stamp_of_the_machine():  # somebody else has mounted something meanwhile
        stamp, attempt = stamp_of_the_machine(), attempt + 1
        first, second = await looks(backend, tmp_path / str(attempt))
    assert first.splitlines() == second.splitlines()


async def test_nothing_is_left_of_a_job_that_had_one_nor_of_those_that_nobody_had(
    backend, tmp_path
):
    order = an_order(environment={"KEY": "hunter2-and-more"})
    async with serving(backend, tmp_path):
        async with opened(backend, tmp_path, order) as sandbox:
            assert given_to(tmp_path / order.lease.execution_id)
            await said(sandbox, "echo x >~/left; (sleep 600 &)")
        (other,) = await ready(tmp_path)
        assert list(other.rglob("left")) == []
    assert left_of(tmp_path) == []


async def test_jobs_in_a_row_have_one_each_and_share_nothing(backend, tmp_path):
    seen = set()
    async with serving(backend, tmp_path):
        for _ in range(4):
            order = an_order()
            async with opened(backend, tmp_path, order) as sandbox:
                assert await said(sandbox, "[ -e ~/mine ] || echo free; touch ~/mine") == "free\n"
                seen.add(given_to(tmp_path / order.lease.execution_id))
                await ready(tmp_path, 2 if len(seen) > 1 else 1)
    assert len(seen) == 4 and "" not in seen
    assert left_of(tmp_path) == []


async def nothing(data: bytes, source_end: int) -> None:
    """Take no output."""
    raise AssertionError(f"{data!r} up to {source_end}")


def launchers(home: Path) -> list[int]:
    """Return the processes that wait to become the first step of a job that has not come."""
    found = []
    for pid in marked(HOME_MARK, str(home)):
        with contextlib.suppress(OSError):  # one that has ended meanwhile
            if b"supervisor.sh\0-l\0" in told(f"/proc/{pid}/cmdline"):
                found.append(pid)
    return found


async def first_shell(home: Path) -> int:
    """Return the only one of these, once it is there."""
    found: list[int] = []

    async def there() -> bool:
        found[:] = launchers(home)
        return len(found) == 1

    await until(there)
    return found[0]


async def test_the_shell_of_the_first_step_waits_as_well(backend, tmp_path):
    order = an_order()
    async with serving(backend, tmp_path):
        status = Path(f"/proc/{await first_shell(tmp_path)}/status").read_text()
        (numbers,) = re.findall(r"NSpid:\s(.*)", status)
        async with opened(backend, tmp_path, order) as sandbox:
            assert given_to(tmp_path / order.lease.execution_id)
            assert await said(sandbox, "echo $$") == numbers.split()[-1] + "\n"
            assert await said(sandbox, "echo $$", index=3) != numbers.split()[-1] + "\n"


async def test_no_shells_wait_where_one_job_chases_the_next(backend, tmp_path, monkeypatch):
    monkeypatch.setattr(process_ahead, "_CHASE_SECONDS", math.inf)
    async with serving(backend, tmp_path):
        async with opened(backend, tmp_path, an_order()) as sandbox:
            await said(sandbox, "echo a")  # what has waited for it becomes this
            await ready(tmp_path)
            assert launchers(tmp_path) == []
        order = an_order()
        async with opened(backend, tmp_path, order) as sandbox:
            assert given_to(tmp_path / order.lease.execution_id)
            assert await said(sandbox, "echo a") == "a\n"
    assert left_of(tmp_path) == []


async def test_a_first_step_whose_shell_was_killed_fails(backend, tmp_path):
    order = an_order()
    async with serving(backend, tmp_path):
        os.kill(await first_shell(tmp_path), signal.SIGKILL)
        async with opened(backend, tmp_path, order) as sandbox:
            assert given_to(tmp_path / order.lease.execution_id)
            step = StepOrder(index=2, script="echo a", argv=None, cwd=None, environment={})
            end = await sandbox.run(step, nothing)
            assert end.code == 128 + signal.SIGKILL
            assert await said(sandbox, "echo b", index=3) == "b\n"
    assert left_of(tmp_path) == []


@pytest.mark.users
async def test_a_job_that_is_to_be_at_home_on_the_machine_gets_a_new_one(tmp_path):
    backend = ProcessBackend()
    machine = ExecutorPlan(kind=ExecutorKind.MACHINE, machine={"image": "ubuntu"})
    async with serving(backend, tmp_path):
        order = replace(an_order(), executor=machine)
        async with opened(backend, tmp_path, order) as sandbox:
            assert given_to(tmp_path / order.lease.execution_id) == ""
            assert await said(sandbox, "id -u") == f"{os.getuid()}\n"
    await backend.close()


async def test_one_that_has_died_is_not_given_to_a_job(backend, tmp_path):
    async with serving(backend, tmp_path):
        for pid in marked(HOME_MARK, str(tmp_path)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

        async def dead() -> bool:
            return marked(HOME_MARK, str(tmp_path)) == []

        await until(dead)
        order = an_order()
        async with opened(backend, tmp_path, order) as sandbox:
            assert given_to(tmp_path / order.lease.execution_id) == ""
            assert await said(sandbox, "echo a") == "a\n"
    assert left_of(tmp_path) == []


def another_machine(backend: ProcessBackend, spare: Path) -> None:
    """Something was mounted, or a user made."""
    del spare
    backend.ahead.stamp = lambda: b"another"


def full_disk(backend: ProcessBackend, spare: Path) -> None:
    """Its first word needed the ballast."""
    del backend
    with (spare / "job" / "events").open("a") as events:
        events.write("\nfull\n")


@pytest.mark.parametrize("happens", [another_machine, full_disk])
async def test_one_of_another_machine_or_of_a_full_disk_is_not_given(backend, tmp_path, happens):
    async with serving(backend, tmp_path):
        (spare,) = await ready(tmp_path)
        happens(backend, spare)
        order = an_order()
        async with opened(backend, tmp_path, order) as sandbox:
            assert given_to(tmp_path / order.lease.execution_id) == ""
            assert await said(sandbox, "echo a") == "a\n"
    assert left_of(tmp_path) == []


def test_the_stamp_tells_of_a_mount_and_of_a_user():
    stamp = stamp_of_the_machine()
    assert Path("/proc/self/mountinfo").read_bytes().splitlines()[0] in stamp
    assert str(Path("/etc/passwd").stat().st_mtime_ns).encode() in stamp


async def test_the_sweep_leaves_those_of_this_runner_and_takes_those_of_a_dead_one(
    backend, tmp_path
):
    order = an_order()
    async with serving(backend, tmp_path), opened(backend, tmp_path, order) as sandbox:
        (spare,) = await ready(tmp_path)
        execution = order.lease.execution_id
        assert await backend.sweep(tmp_path, {execution}) == 0
        assert spare.exists()
        later = ProcessBackend()  # it knows of the job by its folder, and of no spare
        assert await later.sweep(tmp_path, {execution}) == 1
        await later.close()
        assert not spare.exists()
        assert await said(sandbox, "echo a") == "a\n"


async def test_a_job_that_had_one_is_adopted(backend, tmp_path):
    order = an_order()
    async with serving(backend, tmp_path):
        async with opened(backend, tmp_path, order) as sandbox:
            await said(sandbox, "echo mine >~/mine")
            sandbox.keep()
        name = given_to(tmp_path / order.lease.execution_id)
        assert name
    again = ProcessBackend(namespaces=backend._ground._isolation != ())
    async with opened(again, tmp_path, order) as sandbox:
        assert await said(sandbox, "cat ~/mine", index=3) == "mine\n"
    await again.close()
    assert left_of(tmp_path) == []


async def test_a_job_whose_world_ended_while_no_runner_was_there_is_lost(backend, tmp_path):
    order = an_order()
    async with serving(backend, tmp_path):
        async with opened(backend, tmp_path, order) as sandbox:
            sandbox.keep()
        assert given_to(tmp_path / order.lease.execution_id)
    assert await backend.sweep(tmp_path, ()) == 1
    with pytest.raises(SandboxLost):
        async with opened(backend, tmp_path, order):
            pass
    assert left_of(tmp_path) == []


async def test_a_runner_that_is_stopped_keeps_none(tmp_path):
    server = FakeServer()
    async with a_runner(server, tmp_path) as runner:
        await ready(tmp_path / "jobs")
        for _ in range(3):
            told = server.submit(an_order("echo a"))
            await told.ended.wait()
            assert told.output(2) == "a\n"
        await runner.stop(5)
    assert left_of(tmp_path / "jobs") == []
    assert list((tmp_path / "jobs").iterdir()) == []


async def test_one_ends_with_the_runner_that_made_it(tmp_path):
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from roundel.backends.process import ProcessBackend\n"
        "async def main():\n"
        "    ProcessBackend().ahead.serve(Path(sys.argv[1]), lambda: 1)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(tmp_path))
    try:
        await ready(tmp_path)
        assert marked(HOME_MARK, str(tmp_path)) != []
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()

    async def gone() -> bool:
        return marked(HOME_MARK, str(tmp_path)) == []

    await until(gone)
