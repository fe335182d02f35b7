"""What every back end promises, shown on each of them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from roundel.backends.docker import DockerBackend, parse_image_rule
from roundel.backends.fake import FakeBackend
from roundel.backends.process import ProcessBackend
from roundel.backends.protocol import Backend, Sandbox, SandboxLost, StepOrder
from roundel.domain.runners import JobOrder
from tests.engine import Engine
from tests.fake_server import an_order
from tests.images import BUSYBOX, DEBIAN, have
from tests.waiting import until

# In a real shell this does what the fake does by itself.
SCRIPT = 'printf %s "$FAKE_OUTPUT"; sleep "${FAKE_SLEEP:-0}"; exit "${FAKE_EXIT:-0}"'


@dataclass
class Machine:
    """A back end, and the way to get a second one that sees the same world."""

    again: Callable[[], Backend]
    real: bool = True


@pytest.fixture(
    params=[
        "fake",
        "process",
        "process without namespaces",
        pytest.param("docker", marks=pytest.mark.e2e),
        pytest.param("docker-busybox", marks=pytest.mark.e2e),
    ]
)
def machine(request: pytest.FixtureRequest) -> Machine:
    if request.param == "fake":
        fake = FakeBackend()
        return Machine(lambda: fake, real=False)
    if request.param == "process":
        return Machine(ProcessBackend)
    if request.param == "process without namespaces":
        return Machine(lambda: ProcessBackend(namespaces=False))
    engine: Engine = request.getfixturevalue("engine")
    image = have(engine, DEBIAN if request.param == "docker" else BUSYBOX)
    rules = [parse_image_rule(f"cimg/*={image}")]
    return Machine(lambda: DockerBackend(url=engine.url, image_map=rules))


@pytest.fixture
async def backend(machine: Machine) -> AsyncIterator[Backend]:
    made = machine.again()
    yield made
    await made.close()


real = pytest.mark.parametrize(
    "machine",
    [
        "process",
        pytest.param("docker", marks=pytest.mark.e2e),
        pytest.param("docker-busybox", marks=pytest.mark.e2e),
    ],
    indirect=True,
)


class Heard:
    """Collects a step's output, and checks that offsets have no gap."""

    def __init__(self, offset: int = 0) -> None:
        self.data = b""
        self.offset = offset
        self._changed = asyncio.Event()

    async def __call__(self, data: bytes, source_end: int) -> None:
        self.offset += len(data)
        assert source_end == self.offset
        self.data += data
        self._changed.set()

    async def until(self, text: bytes) -> None:
        while text not in self.data:
            self._changed.clear()
            await self._changed.wait()


def a_folder(order: JobOrder, home: Path) -> Path:
    folder = home / order.lease.execution_id
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def a_step(index: int = 2, script: str = SCRIPT, **environment: str) -> StepOrder:
    return StepOrder(index=index, script=script, argv=None, cwd=None, environment=environment)


@contextlib.asynccontextmanager
async def opened(backend: Backend, home: Path, order: JobOrder) -> AsyncIterator[Sandbox]:
    async with backend.open(order, a_folder(order, home)) as sandbox:
        yield sandbox


async def test_a_back_end_says_that_it_can_be_used(backend):
    assert await backend.why_unusable() is None


@pytest.mark.parametrize("code", [0, 1, 3, 127, 255])
async def test_an_exit_code_is_told_as_it_is(backend, tmp_path, code):
    async with opened(backend, tmp_path, an_order()) as sandbox:
        end = await sandbox.run(a_step(FAKE_EXIT=str(code)), Heard())
    assert end.code == code
    assert not end.oom


async def test_output_is_complete_and_in_order(backend, tmp_path):
    text = "".join(f"line {number}\n" for number in range(2000))
    async with opened(backend, tmp_path, an_order()) as sandbox:
        heard = Heard()
        await sandbox.run(a_step(FAKE_OUTPUT=text), heard)
        assert heard.data.decode() == text
        again = Heard(5)
        await sandbox.run(a_step(FAKE_OUTPUT=text), again, from_offset=5)
        assert again.data.decode() == text[5:]


async def test_what_a_job_uses_is_measured(backend, tmp_path):
    async with opened(backend, tmp_path, an_order()) as sandbox:
        await sandbox.facts()
        before = await sandbox.measured(cheaply=False)
        heard = Heard()
        busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
        await sandbox.run(a_step(script=busy), heard)
        assert before is not None

        async def counted() -> bool:
            # One look at all processes serves for a while, and the first may be of before the step.
            after = await sandbox.measured(cheaply=False)
            assert after is not None
            assert after.cpu_ms >= before.cpu_ms >= 0
            assert after.memory > 0
            return after.cpu_ms > 0

        await until(counted)


async def test_steps_follow_each_other_in_one_world(backend, tmp_path):
    async with opened(backend, tmp_path, an_order()) as sandbox:
        for index in range(2, 6):
            heard = Heard()
            end = await sandbox.run(a_step(index, FAKE_OUTPUT=f"step {index}"), heard)
            assert (end.code, heard.data) == (0, f"step {index}".encode())


async def test_a_cancelled_step_is_stopped_within_the_grace_time(backend, tmp_path):
    async with opened(backend, tmp_path, an_order()) as sandbox:
        heard = Heard()
        step = a_step(FAKE_OUTPUT="up", FAKE_SLEEP="600")
        task = asyncio.create_task(sandbox.run(step, heard))
        await heard.until(b"up")
        before = time.monotonic()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert time.monotonic() - before < 5
        assert (await sandbox.run(a_step(3, FAKE_EXIT="4"), Heard())).code == 4


async def test_a_step_can_be_stopped_from_outside(backend, tmp_path):
    async with opened(backend, tmp_path, an_order()) as sandbox:
        heard = Heard()
        step = a_step(FAKE_OUTPUT="up", FAKE_SLEEP="600")
        task = asyncio.create_task(sandbox.run(step, heard))
        await heard.until(b"up")
        await sandbox.stop_step(step.index)
        assert (await task).code != 0


async def test_a_step_is_adopted_without_a_byte_lost_or_doubled(machine, tmp_path):
    order = an_order()
    first = machine.again()
    step = a_step(FAKE_OUTPUT="before", FAKE_SLEEP="0.3", FAKE_EXIT="5")
    async with opened(first, tmp_path, order) as sandbox:
        heard = Heard()
        task = asyncio.create_task(sandbox.run(step, heard))
        await heard.until(b"before")
        sandbox.keep()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    if machine.real:
        await first.close()
    second = machine.again()
    async with opened(second, tmp_path, order) as sandbox:
        rest = Heard(3)
        end = await sandbox.run(step, rest, from_offset=3)
        assert (end.code, rest.data) == (5, b"ore")
        assert (await sandbox.run(a_step(3), Heard())).code == 0
    assert await second.sweep(tmp_path, set()) == 0
    await second.close()


async def test_what_was_left_behind_is_swept_and_what_is_alive_is_not(machine, tmp_path):
    left, alive = an_order(), an_order()
    first = machine.again()
    for order in (left, alive):
        async with opened(first, tmp_path, order) as sandbox:
            await sandbox.run(a_step(), Heard())
            sandbox.keep()
    second = machine.again()
    assert await second.sweep(tmp_path, {alive.lease.execution_id}) == 1
    async with opened(second, tmp_path, alive) as sandbox:
        assert (await sandbox.run(a_step(3), Heard())).code == 0
    with pytest.raises(SandboxLost):
        async with opened(second, tmp_path, left):
            raise AssertionError("it is gone")
    await first.close()
    await second.close()


async def test_nothing_is_left_when_the_block_is_left_by_an_error(backend, tmp_path):
    order = an_order()
    with pytest.raises(ZeroDivisionError):
        async with opened(backend, tmp_path, order) as sandbox:
            await sandbox.run(a_step(), Heard())
            raise ZeroDivisionError
    assert await backend.sweep(tmp_path, set()) == 0
    assert _names(a_folder(order, tmp_path)) == []


async def test_nothing_is_left_when_opening_is_cancelled(backend, tmp_path):
    order = an_order()

    async def open_it() -> None:
        async with opened(backend, tmp_path, order):
            await asyncio.Event().wait()

    for turns in (1, 5, 25):
        task = asyncio.create_task(open_it())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await backend.sweep(tmp_path, set()) == 0


@real
async def test_two_jobs_at_once_cannot_see_each_other(backend, tmp_path):
    first, second = an_order(), an_order()
    async with (
        opened(backend, tmp_path, first) as one,
        opened(backend, tmp_path, second) as other,
    ):
        made = "echo one > /tmp/secret; echo one > ~/secret; sleep 60 & echo done"
        assert (await one.run(a_step(script=made), Heard())).code == 0
        look = "ls /tmp ~ ; ps | grep -c 'sleep 60' || ps ax | grep 'sleep 60'"
        heard = Heard()
        await other.run(a_step(script=look), heard)
        assert b"secret" not in heard.data
        assert b"sleep 60" not in heard.data.replace(b"grep sleep 60", b"")


@pytest.mark.parametrize("machine", ["process without namespaces"], indirect=True)
async def test_without_namespaces_there_is_a_warning_and_nothing_stays(backend, tmp_path):
    order = an_order()
    mark = f"7{int(order.lease.execution_id.replace('-', ''), 16) % 10**8:08d}"
    async with opened(backend, tmp_path, order) as sandbox:
        assert "shares /tmp" in sandbox.opened_how
        script = f"setsid sh -c 'trap \"\" TERM HUP; sleep {mark}' >/dev/null 2>&1 & echo on"
        assert (await sandbox.run(a_step(script=script), Heard())).code == 0
    assert _commands_with(mark) == []


@real
async def test_daemons_are_gone_at_the_end(backend, tmp_path):
    order = an_order()
    mark = f"6{int(order.lease.execution_id.replace('-', ''), 16) % 10**8:08d}"
    async with opened(backend, tmp_path, order) as sandbox:
        script = f"setsid sh -c 'trap \"\" TERM HUP; sleep {mark}' >/dev/null 2>&1 & echo on"
        assert (await sandbox.run(a_step(script=script), Heard())).code == 0
    running = _commands_with(mark)
    assert running == []


@real
async def test_facts_tell_what_is_inside(backend, tmp_path, request):
    async with opened(backend, tmp_path, an_order()) as sandbox:
        facts = await sandbox.facts()
    assert facts.bash is ("busybox" not in request.node.name)


@real
async def test_a_killed_world_is_told(backend, tmp_path, machine):
    async with opened(backend, tmp_path, an_order()) as sandbox:
        heard = Heard()
        task = asyncio.create_task(sandbox.run(a_step(script="echo up; sleep 60"), heard))
        await heard.until(b"up")
        other = machine.again()
        assert await other.sweep(tmp_path, set()) == 1
        await other.close()
        with pytest.raises(SandboxLost):
            await task


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _commands_with(mark: str) -> list[bytes]:
    """Return the command lines of this machine's processes that contain `mark`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes())
    return [line for line in found if mark.encode() in line]
