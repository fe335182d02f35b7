"""What comes from npm is locked by digest, without the name of any place that serves it."""

import json

import pytest

from tests.npm import HERE, run_node


def test_every_package_is_locked_by_its_digest_alone() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text())
    packages = [entry for name, entry in lock["packages"].items() if name]
    assert packages
    assert all(entry["integrity"].startswith("sha512-") for entry in packages)
    assert not any("resolved" in entry for entry in packages)


@pytest.mark.npm
def test_scripts_find_the_packages() -> None:
    assert run_node("console.log(require('axe-core').version)").strip() == "4.14.1"
