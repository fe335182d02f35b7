"""People's shells in a job that runs, from the server's call to the job's end."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roundel.backends.fake import FakeBackend
from roundel.backends.protocol import Sandbox
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.runners import JobOrder
from roundel.domain.shells import MOST_OF_A_JOB, WindowSize
from roundel.services.shell_desk import Meeting
from tests.fake_server import FakeServer, Told, a_step, an_order
from tests.unit.runner.conftest import a_runner
from tests.waiting import until

KEY = "s3cr3t-and-long-enough"


class SlowBackend(FakeBackend):
    """Makes nothing until `ready` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = asyncio.Event()

    @contextlib.asynccontextmanager
    async def open(self, order: JobOrder, folder: Path) -> AsyncIterator[Sandbox]:
        await self.ready.wait()
        async with super().open(order, folder) as sandbox:
            yield sandbox


async def up(told: Told) -> None:
    """Return once the first step runs."""

    async def running() -> bool:
        return 2 in told.reports

    await until(running)


async def heard(meeting: Meeting, text: str) -> str:
    said = ""
    async with asyncio.timeout(20):
        while text not in said:
            data = await meeting.printed()
            assert data is not None, f"it ended ({meeting.why}) after {said!r}"
            said += data.decode(errors="replace")
    return said


async def the_end(meeting: Meeting) -> str:
    async with asyncio.timeout(20):
        while await meeting.printed() is not None:
            pass
    return meeting.why


async def asleep(seconds: str) -> None:
    """Return once somebody sleeps for so long."""

    async def there() -> bool:
        return sleeping(seconds)

    await until(there)


async def awake(seconds: str) -> None:
    """Return once nobody does."""

    async def gone() -> bool:
        return not sleeping(seconds)

    await until(gone)


@pytest.fixture
async def told(server: FakeServer, tmp_path: Path):
    """A job that runs until the file `go` is in its directory."""
    step = a_step("until [ -e go ]; do sleep 0.02; done")
    order = an_order(step, environment={"KEY": KEY, "PART": KEY[:9]}, masks=[KEY])
    async with a_runner(server, tmp_path):
        told = server.submit(order)
        await up(told)
        yield told
        told.cancel.set()  # else it would be left for a runner that never comes
        await told.ended.wait()


async def test_whoever_is_announced_gets_a_shell_in_the_job(told: Told):
    meeting = Meeting(WindowSize(columns=91, rows=33))
    told.wants_shell(meeting)
    await meeting.type(b"stty size; pwd\n")
    said = await heard(meeting, "home/project")
    assert "33 91" in said
    await meeting.type(WindowSize(columns=50, rows=20))
    await meeting.type(b"stty size\n")
    await heard(meeting, "20 50")
    await meeting.type(b"touch go\n")
    assert await the_end(meeting) == "The job has ended, and the shell with it."
    await told.ended.wait()
    assert told.result is not None and told.result.status is ExecutionStatus.SUCCESS


async def test_what_a_shell_prints_is_masked(told: Told):
    meeting = Meeting(WindowSize())
    told.wants_shell(meeting)
    await meeting.type(b'echo "<$KEY>"; echo "$KEY" | base64; echo DO\'\'NE\n')
    said = await heard(meeting, "DONE")
    assert "<****>" in said
    assert KEY not in said and "czNjcjN0" not in said
    # What could be a secret's beginning is held back only for a moment.
    await meeting.type(b'echo; printf "[%s" "$PART"; sleep 600\n')
    await heard(meeting, f"[{KEY[:9]}")


async def test_who_comes_before_the_job_is_up_waits_for_it(server: FakeServer, tmp_path: Path):
    backend = SlowBackend()
    async with a_runner(server, tmp_path, backend=backend):
        told = server.submit(an_order(a_step("x"), environment={"FAKE_SLEEP": "600"}))

        async def begun() -> bool:
            return 0 in told.reports

        await until(begun)
        meeting = Meeting(WindowSize())
        told.wants_shell(meeting)
        assert "80x24$" not in await heard(meeting, "still being made")
        backend.ready.set()
        await heard(meeting, "80x24$")


async def test_leaving_a_shell_leaves_the_job_alone(told: Told):
    meeting = Meeting(WindowSize())
    told.wants_shell(meeting)
    await meeting.type(b"exit\n")
    assert await the_end(meeting) == "The shell has ended."
    second = Meeting(WindowSize())
    told.wants_shell(second)
    await second.type(b"touch go\n")
    await told.ended.wait()
    assert told.result is not None and told.result.status is ExecutionStatus.SUCCESS


async def test_who_hangs_up_leaves_nothing_running(told: Told):
    meeting = Meeting(WindowSize())
    told.wants_shell(meeting)
    await meeting.type(b"sleep 4713.25\n")

    await asleep("4713.25")
    meeting.hang_up()
    await awake("4713.25")


async def test_an_open_shell_does_not_hold_up_the_end_of_a_canceled_job(told: Told):
    meeting = Meeting(WindowSize())
    told.wants_shell(meeting)
    await meeting.type(b"trap '' HUP TERM; sleep 4714.25\n")

    await asleep("4714.25")
    began = time.monotonic()
    told.cancel.set()
    await told.ended.wait()
    assert time.monotonic() - began < 5
    assert told.result is not None and told.result.status is ExecutionStatus.CANCELED
    assert "ended" in await the_end(meeting)

    await awake("4714.25")


async def test_a_person_that_reads_nothing_does_not_hold_up_the_job(told: Told):
    meeting = Meeting(WindowSize())
    told.wants_shell(meeting)
    await meeting.type(b"touch go; yes\n")
    await told.ended.wait()
    assert told.result is not None and told.result.status is ExecutionStatus.SUCCESS


async def test_a_call_that_leads_to_nobody_harms_nothing(told: Told, server: FakeServer):
    told.wanted.set()

    async def dialled() -> bool:
        return "shell" in server.calls

    await until(dialled)
    meeting = Meeting(WindowSize())
    told.wants_shell(meeting)
    await meeting.type(b"echo he''re\n")
    await heard(meeting, "here")


async def test_a_job_has_several_shells_and_not_any_number(server: FakeServer, tmp_path: Path):
    backend = FakeBackend()
    async with a_runner(server, tmp_path, backend=backend):
        told = server.submit(an_order(a_step("x"), environment={"FAKE_SLEEP": "600"}))
        await up(told)
        meetings = [Meeting(WindowSize()) for _ in range(MOST_OF_A_JOB + 1)]
        for meeting in meetings[:-1]:
            told.wants_shell(meeting)
            await heard(meeting, "80x24$ ")
        told.wants_shell(meetings[-1])
        [world] = backend.worlds.values()
        assert len(world.shells) == MOST_OF_A_JOB
        meetings[0].hang_up()

        async def fewer() -> bool:
            return len(world.shells) < MOST_OF_A_JOB

        await until(fewer)


def sleeping(seconds: str) -> bool:
    wanted = f"sleep\0{seconds}\0".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cmdline").read_bytes() == wanted:
                return True
        except OSError:
            continue
    return False
