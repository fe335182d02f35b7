"""A folder packed into one file."""

import os
from pathlib import Path

import pytest
import yaml

from roundel.compiler import (
    pack_folder,
)


def test_a_folder_is_packed_into_one_file(tmp_path: Path) -> None:
    for name, text in {
        "@orb.yml": "version: 2.1\ndescription: packed\n",
        "commands/greet.yml": "steps:\n  - run: <<include(scripts/greet.sh)>>\n",
        "commands/@more.yml": "other: {steps: [checkout]}\n",
        "scripts/greet.sh": "cat <<EOF\nhi\nEOF\n",
        "jobs/test.yaml": "machine: true\nsteps: [greet]\n",
        ".hidden/x.yml": "a: b\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    packed = pack_folder(tmp_path)
    assert packed.text is not None, packed.problems
    found = yaml.safe_load(packed.text)
    assert list(found) == ["commands", "description", "jobs", "version"]
    assert found["commands"]["greet"]["steps"][0]["run"] == "cat \\<<EOF\nhi\nEOF\n"
    assert list(found["commands"]) == ["greet", "other"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: <<include(none.sh)>>\n", "There is no file none.sh to include"),
        ("a: <<include(../../etc/passwd)>>\n", "There is no file"),
        ("a: x <<include(f.yml)>>\n", "must be the whole value"),
        ("a: [\n", "Unable to parse YAML"),
    ],
)
def test_a_wrong_file_is_not_packed(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "f.yml").write_text(text)
    packed = pack_folder(tmp_path)
    assert packed.text is None
    assert words in packed.problems[0].message
    assert (packed.problems[0].place and packed.problems[0].place.file) == "f.yml"


def test_a_folder_that_leads_into_itself_is_not_packed(tmp_path: Path) -> None:
    (tmp_path / "commands").mkdir()
    (tmp_path / "@orb.yml").write_text("version: 2.1\n")
    (tmp_path / "commands" / "again").symlink_to(tmp_path, target_is_directory=True)
    packed = pack_folder(tmp_path)
    assert packed.text is None
    (problem,) = packed.problems
    assert problem.message == "commands/again is a link to a folder that it lies in"


def test_a_pipe_is_not_packed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.yml")
    packed = pack_folder(tmp_path)
    assert packed.text is None
    assert packed.problems[0].message == "x.yml is no file of text"


def test_a_file_name_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("x: 1\n")
    (tmp_path / os.fsdecode(b"caf\xe9.yml")).write_text("y: 1\n")
    packed = pack_folder(tmp_path)
    assert packed.text is None
    (problem,) = packed.problems
    assert problem.message == "The file name 'caf\\xe9.yml' is not UTF-8; rename the file"


def test_packing_nothing_is_told(tmp_path: Path) -> None:
    assert pack_folder(tmp_path).problems[0].code == "pack"
    assert pack_folder(tmp_path / "absent").problems[0].code == "pack"
