"""Programs with pipes: what they say, how they end, and that nothing of them is left."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from roundel.wire.programs import end_of, start
from tests import waiting

SAYS_ALL = 'cat; echo "$A" >&2; exit 3'


async def test_it_reads_says_and_ends() -> None:
    program = await start(("sh", "-c", SAYS_ALL), {"A": "trouble"})
    try:
        program.stdin.write(b"all that it reads")
        assert await program.output() == (b"all that it reads", b"trouble\n")
        assert await program.code() == 3
        assert await program.code() == 3
    finally:
        await program.end()


async def test_its_end_takes_along_what_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = f"sleep 100 & echo $! > {note}.new; mv {note}.new {note}; wait"
    program = await start(("sh", "-c", script), dict(os.environ))
    await until(note.exists)
    child = int(note.read_text())
    await program.end()
    assert await program.code() < 0
    await until(lambda: not runs(child))


async def test_nothing_is_left_of_one_that_ended() -> None:
    pipes, children = ours()
    for _ in range(3):
        program = await start(("true",), dict(os.environ))
        await program.code()
        await program.end()
    assert ours() == (pipes, children)


def ours() -> tuple[set[str], set[str]]:
    """The pipes and the children of this process."""
    links = [str(it.readlink()) for it in Path("/proc/self/fd").iterdir() if it.is_symlink()]
    tasks = Path("/proc/self/task").iterdir()
    children = {pid for it in tasks for pid in (it / "children").read_text().split()}
    return {link for link in links if link.startswith("pipe:")}, children


async def test_one_that_is_not_there_is_refused() -> None:
    with pytest.raises(FileNotFoundError):
        await start(("no-such-program-at-all",), dict(os.environ))


async def test_the_end_of_nobody_is_not_waited_for() -> None:
    program = await start(("true",), dict(os.environ))
    await program.code()
    with pytest.raises(ProcessLookupError):
        await asyncio.wait_for(end_of(program._process.pid), 5)
    await program.end()


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def until(true: Callable[[], bool]) -> None:
    async def look() -> bool:
        return true()

    await waiting.until(look)
