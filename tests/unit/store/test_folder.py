"""The data folder: private, and one server's at a time."""

import stat
from pathlib import Path

import pytest

from roundel.store.folder import DataFolder, FolderInUse


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_second_server_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with (
        DataFolder(tmp_path / "data"),
        pytest.raises(FolderInUse, match=r"in use by another server \(process \d+\).*--data"),
    ):
        DataFolder(tmp_path / "data")


def test_the_folder_is_free_again_after_its_server(tmp_path: Path) -> None:
    DataFolder(tmp_path / "data").close()
    DataFolder(tmp_path / "data").close()


def test_nobody_else_may_look_into_the_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    with DataFolder(tmp_path / "data") as folder:
        assert mode_of(folder.path) == 0o700
        assert mode_of(folder.write_private("token", "x")) == 0o600


def test_a_private_file_that_was_open_before_is_closed(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data") as folder:
        (folder.path / "token").write_text("old")
        (folder.path / "token").chmod(0o644)
        path = folder.write_private("token", "new")
        assert (mode_of(path), path.read_text()) == (0o600, "new")
