"""Real configs: each compiles, or is refused for a reason that `corpus_refused.tsv` tells."""

import csv
from pathlib import Path

import pytest
import yaml

from roundel.compiler import Compiled, compile_config
from roundel.domain.plan import ExecutorKind, JobType
from tests.compile.counting import calls_of
from tests.compile.spec_orbs import FolderOrbs
from tests.spec import SPEC

pytestmark = pytest.mark.spec

CORPUS = SPEC / "corpus"

# How much work a config may take: a second has a few million calls, the corpus needs 3 a character.
CALLS_TO_BEGIN = 20_000
CALLS_OF_A_CHARACTER = 5

# A push to the main branch of a project on GitHub.
VALUES = {
    "pipeline.id": "x",
    "pipeline.number": 1,
    "pipeline.git.branch": "main",
    "pipeline.git.branch.is_default": True,
    "pipeline.git.revision": "abc",
    "pipeline.git.base_revision": "abd",
    "pipeline.trigger_source": "webhook",
    "pipeline.project.type": "github",
    "pipeline.project.slug": "gh/o/r",
    "pipeline.project.git_url": "https://github.com/o/r",
}


def refused() -> dict[str, dict[str, str]]:
    table = Path(__file__).with_name("corpus_refused.tsv")
    with table.open(newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["file"]: row for row in rows}


def compiled(file: Path) -> Compiled:
    """Compile a file, and see that the work is in proportion to its text and its orbs."""
    text = file.read_text()
    orbs = FolderOrbs(CORPUS / "orbs")
    result, calls = calls_of(lambda: compile_config(text, file=file.name, orbs=orbs, values=VALUES))
    assert calls < CALLS_TO_BEGIN + CALLS_OF_A_CHARACTER * (len(text) + orbs.characters)
    return result


def files(folder: str) -> list[Path]:
    return sorted((CORPUS / folder).glob("*.yml"))


def messages(result: Compiled) -> str:
    return "\n".join(problem.message for problem in result.problems)


@pytest.mark.parametrize("file", files("configs"), ids=lambda file: file.stem)
def test_a_real_config_compiles_or_is_refused_for_a_known_reason(file: Path) -> None:
    result = compiled(file)
    reason = refused().get(file.name)
    if reason is None:
        assert result.plan is not None, messages(result)
        check_that_a_runner_can_run_it(result)
    else:
        assert result.plan is None, "it compiles now: take it off the list"
        assert reason["message"] in messages(result)


def check_that_a_runner_can_run_it(result: Compiled) -> None:
    """Every job has a machine, every step its arguments, every requirement its job."""
    assert result.plan is not None
    for job in result.plan.jobs.values():
        if job.type is not JobType.BUILD:
            continue
        assert job.executor.kind is not ExecutorKind.NONE
        if job.executor.kind is ExecutorKind.DOCKER:
            assert job.executor.images
            assert all(image.image for image in job.executor.images)
        for step in job.steps:
            assert step.name
            if step.kind in ("run", "deploy"):
                assert isinstance(step.args["command"], str)
    for workflow in result.plan.workflows:
        names = [slot.name for slot in workflow.slots]
        assert len(names) == len(set(names))
        for slot in workflow.slots:
            assert slot.type is JobType.APPROVAL or slot.job in result.plan.jobs
            assert all(required.job in names for required in slot.requires)


def test_most_real_configs_whose_orbs_are_at_hand_compile() -> None:
    """Orbs that are missing, approximate or left empty say nothing about the compiler."""
    not_ours = ("not in the corpus", "approximation", "empty map", "refused: ")
    rows = refused()
    ours = [r for r in rows.values() if not any(word in r["reason"] for word in not_ours)]
    total = len(files("configs")) - len(rows) + len(ours)
    assert len(ours) / total < 0.05


@pytest.mark.parametrize("file", files("runnable"), ids=lambda file: file.stem)
def test_a_runnable_config_compiles(file: Path) -> None:
    result = compiled(file)
    assert result.plan is not None, messages(result)
    check_that_a_runner_can_run_it(result)


@pytest.mark.parametrize("file", files("invalid"), ids=lambda file: file.stem)
def test_what_is_not_yaml_is_refused_with_the_place(file: Path) -> None:
    result = compiled(file)
    (problem,) = result.problems
    assert problem.message.startswith("Unable to parse YAML\n")
    assert problem.place is not None
    assert problem.source_line


@pytest.mark.parametrize("file", files("repeated-anchors"), ids=lambda file: file.stem)
def test_an_anchor_may_be_named_twice(file: Path) -> None:
    assert not [p for p in compiled(file).problems if p.code.startswith("yaml")]


@pytest.mark.parametrize("file", files("docs-snippets"), ids=lambda file: file.stem)
def test_a_documented_snippet_compiles_or_says_what_is_left_out_of_it(file: Path) -> None:
    result = compiled(file)
    if result.plan is None:
        assert result.errors
        assert all(problem.place is not None for problem in result.errors)
    else:
        check_that_a_runner_can_run_it(result)


@pytest.mark.parametrize("file", files("configs")[::3], ids=lambda file: file.stem)
def test_a_compiled_config_compiles_to_itself(file: Path) -> None:
    first = compiled(file)
    if first.output is None:
        return
    lines = first.output.splitlines(keepends=True)
    output = "".join(line for line in lines if not line.startswith("# Orb "))
    again = compile_config(output, values=VALUES)
    assert again.output == output
    assert yaml.safe_load(output) is not None
