"""`roundel run` on a machine that is in trouble: a full disk, a folder that cannot be used."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_local_runs import a_job, processes_of
from tests.local import Checkout

pytestmark = pytest.mark.e2e


class SmallDisk:
    """A file system of so much, in a folder."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()
        self._mount("-t", "tmpfs", "-o", "size=64k", "none")

    def resize(self, size: str) -> None:
        self._mount("-o", f"remount,size={size}")

    def _mount(self, *words: str) -> None:
        subprocess.run(["mount", *words, str(self.place)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    disk = SmallDisk(tmp_path / "disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk.place)], check=True)


def refused(checkout: Checkout, *words: str) -> str:
    done = checkout.run(*words)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.users
@pytest.mark.parametrize("size", ["64k", "1m", "2m"])
def test_on_a_full_disk_a_run_says_so_and_runs_once_there_is_room(
    tmp_path: Path, disk: SmallDisk, size: str
) -> None:
    checkout = Checkout(tmp_path, a_job("echo done"))
    checkout.cache = disk.place
    disk.resize(size)
    said = refused(checkout)
    assert said.startswith(f"roundel: the disk of {disk.place}")
    assert said.endswith(
        " is full: make room there, or put the state elsewhere with XDG_CACHE_HOME\n"
    )
    disk.resize("50m")
    done = checkout.run()
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.users
def test_a_job_that_fills_the_disk_ends_the_run_and_its_files_are_removed(
    tmp_path: Path, disk: SmallDisk
) -> None:
    checkout = Checkout(tmp_path, a_job("head -c 50000000 /dev/zero > big; sleep 4711"))
    checkout.cache = disk.place
    disk.resize("20m")
    said = refused(checkout)
    assert "is full: make room there" in said
    assert processes_of(checkout) == []
    assert list(checkout.cache.glob("**/runner/jobs/*")) == []
    checkout.write(".circleci/config.yml", a_job("echo done"))
    done = checkout.run()
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_cache_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, a_job("echo done"))
    checkout.cache.write_text("a file\n")
    said = refused(checkout)
    assert said.startswith(f"roundel: {checkout.cache}/roundel/run")
    assert "cannot be used (Not a directory): mend that, or put the state elsewhere" in said


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, a_job("echo done"))
    assert checkout.run().returncode == 0
    (database,) = checkout.cache.rglob("roundel.sqlite3")
    database.write_text("no database\n" * 100)
    said = refused(checkout)
    assert "is damaged" in said
    assert f"the state in {database.parent.parent}" in said
