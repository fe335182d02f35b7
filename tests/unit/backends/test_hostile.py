"""What lies in a job's folder is looked at before it is opened."""

import os
import socket
import stat
from pathlib import Path

import pytest

from roundel.backends.hostile import open_fifo, open_regular


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("text")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "link-to-fifo").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "socket"))
    return tmp_path


def test_a_plain_file_is_opened(folder: Path) -> None:
    descriptor = open_regular(folder / "file", os.O_RDONLY)
    assert os.read(descriptor, 10) == b"text"
    os.close(descriptor)


def test_a_fifo_is_opened_without_waiting(folder: Path) -> None:
    reader = open_fifo(folder / "fifo", os.O_RDONLY)
    writer = open_fifo(folder / "fifo", os.O_WRONLY)
    os.write(writer, b"hello")
    assert os.read(reader, 10) == b"hello"
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("name", ["fifo", "folder", "link", "socket", "missing"])
def test_nothing_else_is_opened_as_a_file(name: str, folder: Path) -> None:
    with pytest.raises(OSError, match=r"no longer|No such file"):
        open_regular(folder / name, os.O_RDONLY)


@pytest.mark.parametrize("name", ["file", "folder", "link-to-fifo", "socket", "missing"])
def test_nothing_else_is_opened_as_a_fifo(name: str, folder: Path) -> None:
    with pytest.raises(OSError, match=r"no longer|No such file"):
        open_fifo(folder / name, os.O_RDONLY)


def test_a_device_is_not_opened() -> None:
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(OSError, match="no longer"):
        open_regular("/dev/null", os.O_RDONLY)
