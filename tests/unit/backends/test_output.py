"""Output is bounded, in memory and on disk."""

import os
import shutil
from pathlib import Path

import pytest

from roundel.backends import output as module
from roundel.backends.folder import JobFolder, NotOurs, remove_orphaned_secrets
from roundel.backends.output import FREEZE_BYTES, OutputFile
from roundel.domain.ids import ExecutionId, new_id


@pytest.fixture
def grown(tmp_path: Path):
    """Return a file, a way to make it longer, and what was frozen and thawed."""
    path = tmp_path / "out"
    path.touch()
    frozen: list[bool] = []

    def grow(data: bytes) -> None:
        with path.open("ab") as file:
            file.write(data)

    return path, grow, frozen


def opened(path: Path, frozen: list[bool], offset: int = 0, **options: int) -> OutputFile:
    return OutputFile(os.open(path, os.O_RDWR), offset, frozen.append, **options)


def test_it_reads_on_from_its_offset_as_the_file_grows(grown):
    path, grow, frozen = grown
    grow(b"abcdef")
    file = opened(path, frozen, offset=2)
    assert file.read() == b"cdef"
    assert file.read() == b""
    grow(b"gh")
    assert file.read() == b"gh"
    assert file.offset == 8
    file.close()


def test_a_step_that_is_far_ahead_is_frozen_until_it_was_caught_up_with(grown):
    path, _, frozen = grown
    os.truncate(path, FREEZE_BYTES + 1)
    file = opened(path, frozen)
    file.guard()
    assert frozen == [True]
    while file.read():
        assert frozen in ([True], [True, False])
    assert frozen == [True, False]
    file.close()


def test_closing_lets_a_frozen_step_go_on(grown):
    path, _, frozen = grown
    os.truncate(path, FREEZE_BYTES + 1)
    file = opened(path, frozen)
    file.guard()
    file.close()
    assert frozen == [True, False]


def test_past_the_cap_there_is_one_notice_and_the_disk_does_not_fill(grown):
    path, grow, frozen = grown
    file = opened(path, frozen, cap=10)
    grow(b"0123456789")
    assert file.read() == b"0123456789"
    assert file.read() == b""
    grow(b"x" * (2 * module.READ_BYTES))
    assert b"output past 10 bytes is not kept" in file.read()
    assert file.read() == b""
    assert path.stat().st_size == 10
    resumed = opened(path, frozen, offset=file.offset, cap=10)
    grow(b"more")
    assert resumed.read() == b""
    file.close()
    resumed.close()


def test_what_the_job_put_in_the_place_of_a_file_is_not_followed(tmp_path):
    folder = JobFolder(tmp_path / "root", ExecutionId(new_id()))
    folder.make()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (folder.job / "2.out").symlink_to(victim)
    with pytest.raises(NotOurs):
        folder.write_step(2, "true", "")
    with pytest.raises(NotOurs):
        folder.open_file("2.out")
    (folder.job / "events").unlink()
    os.mkfifo(folder.job / "events")
    with pytest.raises(NotOurs):
        folder.open_file("events")
    (folder.job / "control").unlink()
    (folder.job / "control").symlink_to(victim)
    with pytest.raises(NotOurs):
        folder.open_control()
    (folder.job / "3.script").symlink_to(victim)
    folder.write_step(3, "echo", "")
    assert victim.read_text() == "precious"
    folder.remove()
    assert not folder.job.exists()


def test_secrets_whose_folder_was_deleted_do_not_stay_in_memory(tmp_path):
    gone, kept = (JobFolder(tmp_path / name, ExecutionId(new_id())) for name in ("gone", "kept"))
    gone.make()
    kept.make()
    if gone.secrets.is_relative_to(tmp_path):
        return  # no memory file system here: they went with the folder
    shutil.rmtree(gone.root)
    assert remove_orphaned_secrets() >= 1
    assert not gone.secrets.exists()
    assert kept.secrets.exists()
    kept.remove()


def test_secrets_lie_where_only_the_runner_can_enter(tmp_path):
    folder = JobFolder(tmp_path / "root", ExecutionId(new_id()))
    folder.make()
    assert folder.root.stat().st_mode & 0o777 == 0o700
    assert folder.secrets.parent.stat().st_mode & 0o777 == 0o700
    folder.write_step(2, "true", "export A=1\n")
    folder.remove()
    assert not folder.secrets.parent.exists()
