"""The locked dependencies: pinned, hashed, one truth, no index named."""

import re
import sys
from pathlib import Path

import grimp
import pytest

REQUIREMENTS = Path(__file__).parents[3] / "requirements"
OF_EXTRAS = {"botocore"}  # a message says what to install
PIN = re.compile(r"^([a-z0-9-]+)==([^ \\;]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((REQUIREMENTS / name).read_text()))


def test_running_and_developing_use_the_same_versions() -> None:
    run, dev, runner = pins("run.lock"), pins("dev.lock"), pins("runner.lock")
    assert runner
    assert runner.items() < run.items()
    assert run.items() <= dev.items()


def test_a_runner_alone_finds_all_that_it_imports_in_its_own_lock() -> None:
    graph = grimp.build_graph(
        "roundel", include_external_packages=True, exclude_type_checking_imports=True
    )
    ours: set[str] = set()
    others: set[str] = set()
    new = {"roundel.__main__", "roundel.cli.runner"}
    while new:
        ours |= new
        named = set().union(*map(graph.find_modules_directly_imported_by, new))
        others |= {name for name in named if name.partition(".")[0] != "roundel"}
        new = named - others - ours
    names = {"re2": "google-re2"}
    found = {names.get(name, name) for name in others - sys.stdlib_module_names - OF_EXTRAS}
    assert found == set(re.findall(r"^[a-z0-9-]+", (REQUIREMENTS / "runner.in").read_text(), re.M))


def test_the_builder_is_locked_so_that_an_install_downloads_nothing_unpinned() -> None:
    assert {"hatchling", "editables"} <= pins("run.lock").keys()


@pytest.mark.parametrize("name", ["run.lock", "dev.lock", "runner.lock"])
def test_every_package_has_a_hash_and_no_index_is_named(name: str) -> None:
    text = (REQUIREMENTS / name).read_text()
    requirements = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)
    assert all("--hash=sha256:" in requirement for requirement in requirements if requirement)
    assert "://" not in text
    assert "--index" not in text
