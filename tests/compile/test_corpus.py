"""Real configs: each compiles, or is refused for a reason that `corpus_refused.tsv` tells."""

import csv
from pathlib import Path

import msgspec
import pytest

from roundel.compiler import Compiled, compile_config
from roundel.compiler.report import Report
from roundel.compiler.source import load
from roundel.compiler.tree import Document, Map, Node
from roundel.domain.plan import ExecutorKind, JobPlan, JobType
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
    rows = table(Path(__file__).with_name("corpus_refused.tsv"))
    return {row["file"]: row for row in rows}


def table(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


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


@pytest.mark.parametrize("row", refused().values(), ids=lambda row: Path(row["file"]).stem)
def test_the_reason_on_the_list_is_the_case(row: dict[str, str]) -> None:
    reason, message = row["reason"], row["message"]
    text = (CORPUS / "configs" / row["file"]).read_text()
    orbs = FolderOrbs(CORPUS / "orbs")
    root = load(Document(row["file"], text), Report())
    own = root.get("orbs") if isinstance(root, Map) else None
    if reason.startswith("refused: "):
        flags = {r["file"]: r["likely_refused"] for r in table(CORPUS / "configs" / "index.tsv")}
        assert flags[row["file"]].startswith(reason.removeprefix("refused: "))
    elif reason.endswith("is not in the corpus"):
        missing = message.split()[2]
        assert orbs.resolve(missing) is None
        name, _, _ = missing.partition("@")
        # The version may be a pipeline parameter.
        named = any(
            reference == missing or reference.startswith((f"{name}@<<", f"{name}@dev:<<"))
            for reference in references(root)
        )
        assert named is ("that it names" in reason)
    elif reason.endswith("is an approximation"):
        found = orbs.resolve(reason.split()[3])
        assert found is not None
        assert found.text.startswith("# APPROXIMATION")
    elif "is an empty map" in reason:
        assert isinstance(own, Map)
        assert {} in own.values()


def check_that_a_runner_can_run_it(result: Compiled) -> None:
    """Every job has a machine, every step its arguments, every requirement its job."""
    assert result.plan is not None
    for job in result.plan.jobs.values():
        # Orders go to runners as JSON, which is read back strictly.
        assert msgspec.json.decode(msgspec.json.encode(job), type=JobPlan) == job
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


def test_nearly_all_real_configs_whose_orbs_are_at_hand_compile() -> None:
    """Of those that can tell something about the compiler, 95 % compile.

    These are the configs whose orbs, and the orbs of those, are in the corpus as they were
    published, and which the corpus's index does not flag as mistakes that CircleCI refuses too.
    """
    flags = {row["file"]: row["likely_refused"] for row in table(CORPUS / "configs" / "index.tsv")}
    orbs = FolderOrbs(CORPUS / "orbs")
    telling = [
        file
        for file in files("configs")
        if flags[file.name] == "-" and has_all_orbs(file.read_text(), orbs)
    ]
    compiling = [file for file in telling if file.name not in refused()]
    assert len(telling) > 200
    assert len(compiling) / len(telling) >= 0.95


def has_all_orbs(text: str, orbs: FolderOrbs) -> bool:
    """Tell whether all orbs of a config, and of its orbs, are there and are no approximations."""
    root = load(Document("c.yml", text), Report())
    for reference in references(root):
        orb = orbs.resolve(reference)
        if orb is None or orb.text.startswith("# APPROXIMATION"):
            return False
        if not has_all_orbs(orb.text, orbs):
            return False
    return True


def references(root: Node) -> list[str]:
    """Return the orbs that a config or orb names, also inside of inline orbs."""
    orbs = root.get("orbs") if isinstance(root, Map) else None
    found: list[str] = []
    for value in orbs.values() if isinstance(orbs, Map) else ():
        found += [value] if isinstance(value, str) else references(value)
    return found


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
