"""Orbs in a folder: which version a reference means."""

from pathlib import Path

import pytest

from roundel.cli.orb_folder import _best


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("1.2.3", "1.2.10", "1.10.0", "2.0.0", "dev:first", "notes"):
        (tmp_path / f"{name}.yml").write_text("version: 2.1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ("1.2.3", "1.2.3"),
        ("1.2", "1.2.10"),
        ("1", "1.10.0"),
        ("volatile", "2.0.0"),
        ("dev:first", "dev:first"),
        ("3", None),
        ("1.2.4", None),
        ("dev:other", None),
    ],
)
def test_a_version_is_itself_or_the_highest_below_it(folder: Path, wanted: str, meant: str | None):
    assert _best(wanted, folder) == meant


def test_an_orb_that_is_not_there_has_no_version(tmp_path: Path):
    assert _best("1.0.0", tmp_path / "none") is None
