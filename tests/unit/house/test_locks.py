"""The locked dependencies: pinned, hashed, one truth, no index named."""

import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[3] / "requirements"
PIN = re.compile(r"^([a-z0-9-]+)==([^ \\;]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((REQUIREMENTS / name).read_text()))


def test_running_and_developing_use_the_same_versions() -> None:
    run, dev = pins("run.lock"), pins("dev.lock")
    assert run
    assert run.items() <= dev.items()


def test_the_builder_is_locked_so_that_an_install_downloads_nothing_unpinned() -> None:
    assert {"hatchling", "editables"} <= pins("run.lock").keys()


@pytest.mark.parametrize("name", ["run.lock", "dev.lock"])
def test_every_package_has_a_hash_and_no_index_is_named(name: str) -> None:
    text = (REQUIREMENTS / name).read_text()
    requirements = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)
    assert all("--hash=sha256:" in requirement for requirement in requirements if requirement)
    assert "://" not in text
    assert "--index" not in text
