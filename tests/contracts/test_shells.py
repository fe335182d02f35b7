"""What a person's shell in a job that runs is, on each back end."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roundel.backends.docker import DockerBackend, parse_image_rule
from roundel.backends.folder import JobFolder
from roundel.backends.process import ProcessBackend
from roundel.backends.protocol import Backend, NoShell, Sandbox, SandboxLost, Shell
from roundel.domain.runners import JobOrder
from roundel.domain.shells import WindowSize
from tests.contracts.test_backends import Heard, a_folder, a_step
from tests.engine import Engine
from tests.fake_server import an_order
from tests.images import BUSYBOX, DEBIAN, have
from tests.waiting import until

SIZE = WindowSize(columns=97, rows=31)


@pytest.fixture(
    params=[
        "process",
        "process of the runner's user",
        "process without namespaces",
        pytest.param("docker", marks=pytest.mark.e2e),
        pytest.param("docker-busybox", marks=pytest.mark.e2e),
    ]
)
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    made: Backend
    if request.param.startswith("process"):
        made = ProcessBackend(
            namespaces=request.param != "process without namespaces",
            own_users=request.param == "process",
        )
    else:
        engine: Engine = request.getfixturevalue("engine")
        image = have(engine, DEBIAN if request.param == "docker" else BUSYBOX)
        made = DockerBackend(url=engine.url, image_map=[parse_image_rule(f"cimg/*={image}")])
    yield made
    await made.close()


@contextlib.asynccontextmanager
async def opened(backend: Backend, home: Path, order: JobOrder) -> AsyncIterator[Sandbox]:
    async with backend.open(order, a_folder(order, home)) as sandbox:
        await sandbox.facts()
        yield sandbox


async def heard_until(shell: Shell, pattern: str) -> str:
    """Return what a shell says up to a line that fits."""
    said = ""
    async with asyncio.timeout(20):
        while re.search(pattern, said, re.MULTILINE) is None:
            data = await shell.read()
            assert data, f"the shell has ended after {said!r}"
            said += data.decode(errors="replace").replace("\r", "")
    return said


async def asked(shell: Shell, command: str) -> str:
    """Return what a command prints, without the shell's echo of it."""
    await shell.write(f"echo BEG''IN; {command}; echo EN''D\n".encode())
    said = await heard_until(shell, "END$")
    return said.rpartition("BEGIN\n")[2].rpartition("END")[0].strip()


async def until_gone(command: str) -> None:
    """Return once no process of this machine has this command line."""

    async def gone() -> bool:
        return not processes(command)

    await until(gone, within=10)


async def until_there(command: str, number: int) -> None:
    """Return once so many processes of this machine have this command line."""

    async def there() -> bool:
        return len(processes(command)) >= number

    await until(there, within=20)


def processes(command: str) -> list[str]:
    wanted = command.replace(" ", "\0").encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (entry / "cmdline").read_bytes():
                found.append(entry.name)
    return found


async def test_a_shell_is_where_the_steps_are_and_as_who_they_are(backend, tmp_path):
    order = an_order(environment={"GREETING": "good morning"}, working_directory="~/here")
    async with opened(backend, tmp_path, order) as sandbox:
        step = Heard()
        script = (
            'id -u; pwd; echo "$GREETING"; echo mine >/tmp/seen; echo "$HOME"; command -v circleci'
        )
        await sandbox.run(a_step(script=script), step)
        async with sandbox.shell(SIZE) as shell:
            said = await asked(shell, script.replace("echo mine >/tmp/seen", "cat /tmp/seen"))
    assert "good morning\nmine" in said
    assert said.replace("mine\n", "").split("\n") == step.data.decode().strip().split("\n")


async def test_a_shell_is_on_a_terminal_of_the_size_that_was_asked_for(backend, tmp_path):
    async with opened(backend, tmp_path, an_order()) as sandbox, sandbox.shell(SIZE) as shell:
        assert await asked(shell, "test -t 0 && test -t 1 && echo yes") == "yes"
        assert await asked(shell, "stty size") == "31 97"
        await shell.resize(WindowSize(columns=120, rows=40))
        assert await asked(shell, "stty size") == "40 120"


async def test_what_runs_in_a_shell_is_interrupted_by_a_key(backend, tmp_path):
    async with opened(backend, tmp_path, an_order()) as sandbox, sandbox.shell(SIZE) as shell:
        await shell.write(b"sleep 4710.25; echo NOT''HERE\n")
        await until_there("sleep 4710.25", 1)
        await shell.write(b"\x03")
        await until_gone("sleep 4710.25")
        await shell.write(b"\necho BA''CK\n")
        assert "NOTHERE" not in await heard_until(shell, "BACK$")


async def test_a_shell_ends_when_it_is_left(backend, tmp_path):
    async with opened(backend, tmp_path, an_order()) as sandbox:
        async with sandbox.shell(SIZE) as shell:
            await shell.write(b"exit\n")
            async with asyncio.timeout(10):
                while await shell.read():
                    pass
        assert (await sandbox.run(a_step(FAKE_EXIT="4"), Heard())).code == 4


@pytest.mark.parametrize("left", ["", "exit\n"])
async def test_nothing_of_a_shells_terminal_is_left_behind_it(backend, tmp_path, left):
    async with opened(backend, tmp_path, an_order()) as sandbox:
        async with sandbox.shell(SIZE) as shell:
            # In jobs of their own, deaf to hang-ups.
            await shell.write(b"(trap '' HUP; sleep 4711.25) & sleep 4711.25 & echo U''P\n")
            await until_there("sleep 4711.25", 2)
            await shell.write(left.encode())
            if left:
                async with asyncio.timeout(10):
                    while await shell.read():
                        pass
        await until_gone("sleep 4711.25")
        assert (await sandbox.run(a_step(FAKE_EXIT="4"), Heard())).code == 4


async def test_a_shell_ends_with_its_job(backend, tmp_path):
    async with contextlib.AsyncExitStack() as stack:
        async with opened(backend, tmp_path, an_order()) as sandbox:
            shell = await stack.enter_async_context(sandbox.shell(SIZE))
            await shell.write(b"echo U''P; sleep 4712.25\n")
            await heard_until(shell, "UP$")
        async with asyncio.timeout(10):
            while await shell.read():
                pass
        await until_gone("sleep 4712.25")


async def test_several_people_have_shells_of_their_own(backend, tmp_path):
    async with (
        opened(backend, tmp_path, an_order()) as sandbox,
        sandbox.shell(SIZE) as first,
        sandbox.shell(SIZE) as second,
    ):
        await first.write(b"own=1\n")
        assert await asked(second, 'echo "[$own]"') == "[]"
        assert await asked(first, 'echo "[$own]"') == "[1]"


async def test_the_script_of_a_shell_does_not_lie_about_after_it(backend, tmp_path):
    order = an_order(environment={"KEY": "s3cr3t-in-the-script"})
    async with opened(backend, tmp_path, order) as sandbox:
        launch = JobFolder(a_folder(order, tmp_path), order.lease.execution_id).secrets
        async with sandbox.shell(SIZE) as shell:
            await asked(shell, "true")
            (script,) = launch.glob("shell-*")
            assert "s3cr3t-in-the-script" in script.read_text()
        assert list(launch.glob("shell-*")) == []


@pytest.mark.parametrize("backend", ["process", "process of the runner's user"], indirect=True)
async def test_a_shell_among_processes_has_no_more_rights_than_its_job(backend, tmp_path):
    async with opened(backend, tmp_path, an_order()) as sandbox, sandbox.shell(SIZE) as shell:
        assert await asked(shell, "grep NoNewPrivs /proc/self/status") == "NoNewPrivs:\t1"
        step = Heard()
        rights = "grep -E 'Cap|Uid|Gid|Groups' /proc/self/status"
        await sandbox.run(a_step(script=rights), step)
        assert await asked(shell, rights) == step.data.decode().strip()
        heard = Heard()
        await sandbox.run(a_step(3, script="readlink /proc/self/ns/mnt /proc/self/ns/pid"), heard)
        inside = heard.data.decode().strip()
        assert await asked(shell, "readlink /proc/self/ns/mnt /proc/self/ns/pid") == inside


async def test_a_job_that_has_ended_gives_no_shell(backend, tmp_path):
    async with opened(backend, tmp_path, an_order()) as sandbox:
        pass
    with pytest.raises((NoShell, SandboxLost)):
        async with sandbox.shell(SIZE):
            pass
