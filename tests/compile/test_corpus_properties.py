"""What holds for every real config that compiles."""

import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from roundel.compiler import Options, compile_config, explain, render_problem
from roundel.compiler.report import Report
from roundel.compiler.source import load
from roundel.compiler.tree import Document, plain
from tests.compile.renaming import parameters_of_commands, renamed
from tests.compile.spec_orbs import FolderOrbs
from tests.compile.test_corpus import CORPUS, VALUES, files, refused
from tests.unit.compiler.test_properties import mutated

pytestmark = pytest.mark.spec

COMPILING = [file for file in files("configs") if file.name not in refused()]


def output_of(text: str) -> str:
    """Return the processed config without the lines that name its orbs."""
    result = compile_config(text, orbs=FolderOrbs(CORPUS / "orbs"), values=VALUES)
    assert result.output is not None, [problem.message for problem in result.errors]
    lines = result.output.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("# Orb "))


def data_of(text: str) -> Any:
    return plain(load(Document("c.yml", text), Report()))


@pytest.mark.parametrize("file", COMPILING, ids=lambda file: file.stem)
def test_a_compiled_config_compiles_to_itself(file: Path) -> None:
    output = output_of(file.read_text())
    assert output_of(output) == output


@pytest.mark.parametrize("file", COMPILING[::3], ids=lambda file: file.stem)
def test_the_processed_config_is_read_alike_by_others(file: Path) -> None:
    output = output_of(file.read_text())
    assert yaml.safe_load(output) == data_of(output)


@pytest.mark.parametrize("file", files("configs")[::4], ids=lambda file: file.stem)
def test_no_spoilt_real_config_raises_anything_but_problems(file: Path) -> None:
    text, orbs = file.read_text(), FolderOrbs(CORPUS / "orbs")
    chance = random.Random(file.name)
    for _ in range(5):
        result = compile_config(mutated(text, chance), orbs=orbs, values=VALUES)
        assert (result.output is None) is bool(result.errors)
        assert all(render_problem(problem) for problem in result.problems)


WITH_PARAMETERS = [file for file in COMPILING if parameters_of_commands(data_of(file.read_text()))]


@pytest.mark.parametrize("file", WITH_PARAMETERS, ids=lambda file: file.stem)
def test_renaming_the_parameters_of_commands_everywhere_changes_nothing(file: Path) -> None:
    config = data_of(file.read_text())
    other = renamed(config, parameters_of_commands(config))
    assert other != config
    assert output_of(yaml.safe_dump(other)) == output_of(yaml.safe_dump(config))


@pytest.mark.parametrize("file", COMPILING[::3], ids=lambda file: file.stem)
def test_noting_what_is_left_out_changes_nothing_and_can_be_told(file: Path) -> None:
    text, orbs = file.read_text(), FolderOrbs(CORPUS / "orbs")
    traced = compile_config(text, orbs=orbs, values=VALUES, options=Options(trace=True))
    assert traced.output == compile_config(text, orbs=orbs, values=VALUES).output
    assert traced.trace is not None
    for left_out in traced.trace.left_out:
        told = left_out.name or next(c.name for c in left_out.call or () if c.kind == "job")
        assert left_out.reason in explain(traced, told).text()
