"""Where orbs come from: folders, files of the repository, the web; and copies of them."""

import json
from pathlib import Path

import pytest

from roundel.compiler import (
    FolderOrbs,
    OrbChain,
    OrbRefused,
    RepositoryOrbs,
    UrlOrbs,
    best_version,
    vendor_orbs,
)
from tests.unit.compiler.configs import USES, TextOrbs, compiled, problems


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("1", "1.10.2"),
        ("1.2", "1.2.9"),
        ("1.2.3", "1.2.3"),
        ("2.0.1", None),
        ("volatile", "2.0.0"),
        ("dev:x", "dev:x"),
        ("dev:y", None),
        ("3", None),
        ("", None),
        ("x.y", None),
    ],
)
def test_a_version_means_the_highest_that_it_allows(wanted: str, found: str | None) -> None:
    known = ["1.2.3", "1.2.9", "1.10.2", "1.9.9", "2.0.0", "dev:x"]
    assert best_version(wanted, known) == found


def a_registry(folder: Path) -> Path:
    for name, text in {
        "acme/tools/1.2.0": "commands: {x: {steps: [run: old]}}\n",
        "acme/tools/1.10.0": "orbs: {d: acme/deep@2}\ncommands: {x: {steps: [run: new]}}\n",
        "acme/deep/2.0.1": "commands: {y: {steps: [run: deep]}}\n",
    }.items():
        file = folder / f"{name}.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_orbs_may_lie_in_a_folder(tmp_path: Path) -> None:
    orb = FolderOrbs(a_registry(tmp_path)).resolve("acme/tools@1")
    assert orb is not None
    assert orb.reference == "acme/tools@1.10.0"
    assert orb.digest.startswith("sha256:")
    assert FolderOrbs(tmp_path).resolve("../acme/tools@1") is None


def test_orbs_may_be_files_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "orbs").mkdir()
    (tmp_path / "orbs" / "mine.yml").write_text("commands: {x: {steps: [run: mine]}}\n")
    text = "orbs: {m: ./orbs/mine.yml}\njobs: {build: {machine: true, steps: [m/x]}}\n"
    result = compiled(text, OrbChain(RepositoryOrbs(tmp_path), TextOrbs()))
    assert result.plan is not None
    assert result.plan.jobs["build"].steps[0].name == "mine"


def test_a_file_outside_of_the_repository_is_no_orb(tmp_path: Path) -> None:
    inner = tmp_path / "repo"
    inner.mkdir()
    (tmp_path / "secret.yml").write_text("{}")
    with pytest.raises(OrbRefused):
        RepositoryOrbs(inner).resolve("./../secret.yml")
    result = compiled("orbs: {m: ../secret.yml}\njobs: {}\n", RepositoryOrbs(inner))
    assert "outside of the repository" in problems(result)[0]


def test_orbs_on_the_web_need_an_allowed_prefix() -> None:
    texts = {"https://good.example/o.yml": "commands: {x: {steps: [run: web]}}\n"}
    source = UrlOrbs(["https://good.example/"], texts.get)
    assert source.resolve("https://good.example/o.yml") is not None
    assert source.resolve("https://good.example/other.yml") is None
    assert source.resolve("acme/tools@1") is None
    with pytest.raises(OrbRefused, match="not allowed"):
        source.resolve("https://bad.example/o.yml")


def test_vendoring_copies_all_that_can_be_needed(tmp_path: Path) -> None:
    source, copy = a_registry(tmp_path / "source"), tmp_path / "copy"
    vendored = vendor_orbs(USES, copy, FolderOrbs(source))
    assert not vendored.problems
    assert sorted(str(file.relative_to(copy)) for file in vendored.files) == [
        "acme/deep/2.0.1.yml",
        "acme/tools/1.10.0.yml",
        "orbs.lock.json",
    ]
    lock = json.loads((copy / "orbs.lock.json").read_text())
    assert lock["acme/tools@1"]["exact"] == "acme/tools@1.10.0"
    with_copy = compiled(USES.split("\n", 1)[1], FolderOrbs(copy))
    assert with_copy.plan is not None


def test_orbs_on_the_web_are_vendored_as_well(tmp_path: Path) -> None:
    url = "https://good.example/o.yml"
    text = f"orbs: {{t: {url}}}\njobs: {{build: {{machine: true, steps: [t/x]}}}}\n"
    texts = {url: "commands: {x: {steps: [run: web]}}\n"}
    web = UrlOrbs(["https://good.example/"], texts.get)
    vendored = vendor_orbs(f"version: 2.1\n{text}", tmp_path, web)
    assert not vendored.problems
    alone = compiled(text, FolderOrbs(tmp_path))
    assert alone.plan is not None
    assert alone.output == compiled(text, web).output
    assert FolderOrbs(tmp_path).resolve("https://good.example/other.yml") is None


def test_vendoring_writes_nothing_if_an_orb_is_missing(tmp_path: Path) -> None:
    vendored = vendor_orbs(USES, tmp_path / "copy", TextOrbs())
    assert "Cannot find acme/tools@1" in vendored.problems[0].message
    assert not (tmp_path / "copy").exists()
