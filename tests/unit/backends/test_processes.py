"""What is asked of the kernel about processes and folders, by the calls themselves."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from roundel.backends.inotify import Inotify
from roundel.backends.processes import children, identity_of, stat_of, succeeds, told
from roundel.backends.wakeups import POLL_SECONDS, Wakeups

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux has /proc and inotify")


@pytest.mark.parametrize(
    ("command", "well"),
    [
        (("/bin/sh", "-c", "exit 0"), True),
        (("/bin/sh", "-c", "exit 3"), False),
        (("/bin/sh", "-c", "kill -9 $$"), False),
        (("/nowhere/at/all",), False),
    ],
)
async def test_a_program_succeeds_if_it_ends_with_0(command: tuple[str, ...], well: bool) -> None:
    before = children(os.getpid())
    assert await succeeds(*command) is well
    assert children(os.getpid()) == before  # nothing is left to be collected


def test_a_file_of_the_kernel_is_read_to_its_end() -> None:
    longest = "x" * 100_000
    with subprocess.Popen(
        ["/bin/sh", "-c", "echo ready; read line"],
        env={"ROUNDEL_TEST": longest},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as shell:
        assert shell.stdout is not None
        assert shell.stdin is not None
        assert shell.stdout.readline() == b"ready\n"
        environment = told(f"/proc/{shell.pid}/environ")
        shell.stdin.close()
    assert f"ROUNDEL_TEST={longest}".encode() in environment.split(b"\0")


def test_of_a_process_that_is_gone_nothing_is_known() -> None:
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 0"], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert identity_of(pid) is None  # a zombie is none either
    os.waitpid(pid, 0)
    assert stat_of(pid) is None
    assert children(pid) == []


def test_what_is_written_in_a_watched_folder_is_heard(tmp_path: Path) -> None:
    inotify = Inotify()
    try:
        watch = inotify.watch(tmp_path)
        assert select.select([inotify.fd], [], [], 0)[0] == []
        (tmp_path / "events").write_text("ready\n")
        assert select.select([inotify.fd], [], [], 10)[0] == [inotify.fd]
        inotify.forget(watch)
        with pytest.raises(OSError, match="Invalid argument"):
            inotify.forget(watch)
        with pytest.raises(FileNotFoundError):
            inotify.watch(tmp_path / "absent")
    finally:
        inotify.close()


def test_where_there_is_inotify_the_timer_is_only_a_net() -> None:
    wakeups = Wakeups()
    try:
        assert wakeups.poll_seconds == POLL_SECONDS
    finally:
        wakeups.close()
