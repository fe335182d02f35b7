"""The published conformance cases: config in, processed config or message out."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from roundel.compiler import Compiled, compile_config
from tests.compile.expectations import entry_name, value_at
from tests.compile.spec_orbs import FolderOrbs
from tests.spec import SPEC

pytestmark = pytest.mark.spec

CASES = SPEC / "cases"

# A case that is believed to be wrong, and why; `docs/compatibility-language.md` says more.
BELIEVED_WRONG = {
    "golden-artifactory-2018-command-upload-missing-target": (
        "the wording of 2018, in one line; the captured answers of 2026 have one line per call"
    ),
}

NAMES = sorted(
    folder.name
    for folder in (CASES.iterdir() if CASES.is_dir() else ())
    if folder.is_dir() and not folder.name.startswith("_")
)


def data(folder: Path, name: str) -> Any:
    file = folder / name
    return json.loads(file.read_text()) if file.exists() else None


def compiled(folder: Path, extra: dict[str, Any] | None = None) -> Compiled:
    return compile_config(
        (folder / "input.yml").read_text(),
        parameters=data(folder, "params.json"),
        values={**(data(folder, "pipeline_values.json") or {}), **(extra or {})},
        orbs=FolderOrbs(folder / "orbs"),
    )


def messages(result: Compiled) -> str:
    return "\n".join(problem.message for problem in result.problems)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in BELIEVED_WRONG])
def test_a_published_case_compiles_as_its_expectation_says(name: str) -> None:
    folder = CASES / name
    checks = [
        check(folder, data_file.read_text())
        for file, check in CHECKS.items()
        if (data_file := folder / file).exists()
    ]
    assert checks, "the case has no expectation"


def check_output(folder: Path, expected: str) -> None:
    result = compiled(folder)
    assert result.output is not None, messages(result)
    assert yaml.safe_load(result.output) == yaml.safe_load(expected)


def check_error(folder: Path, expected: str) -> None:
    result = compiled(folder)
    assert result.output is None
    assert result.plan is None
    text, at = messages(result), 0
    for line in expected.strip().splitlines():
        found = text.find(line, at)
        assert found >= 0, f"{line!r} is not in, or not in order in:\n{text}"
        at = found + len(line)


def check_valid(folder: Path, expected: str) -> None:
    result = compiled(folder)
    assert (result.output is not None) == (expected.strip() == "valid"), messages(result)


def check_asserts(folder: Path, expected: str) -> None:
    result = compiled(folder)
    assert result.output is not None, messages(result)
    for entry in json.loads(expected):
        found = value_at(yaml.safe_load(result.output), entry["path"])
        _assert_one(entry["op"], found, entry["value"], result.output)


def _assert_one(op: str, found: Any, value: Any, text: str) -> None:
    if op == "equals":
        if isinstance(value, list) and isinstance(found, list):
            found = [
                entry_name(x) if isinstance(y, str) else x
                for x, y in zip(found, value, strict=False)
            ]
        assert found == value
    elif op == "equals_unordered":
        assert sorted(map(entry_name, found)) == sorted(value)
    elif op == "length":
        assert len(found) == value
    elif op == "keys_equal":
        assert set(found) == set(value)
    elif op in ("contains", "not_contains"):
        assert (value in [entry_name(x) for x in found]) == (op == "contains")
    else:
        assert op in ("contains_text", "not_contains_text")
        assert (value in text) == (op == "contains_text")


def check_runs(folder: Path, expected: str) -> None:
    for row in json.loads(expected):
        git = {f"pipeline.git.{k}": row[k] for k in ("branch", "tag") if row.get(k) is not None}
        result = compiled(folder, git)
        assert result.plan is not None, messages(result)
        running = [
            slot.name
            for workflow in result.plan.workflows
            for slot in workflow.slots
            if slot.excluded is None
        ]
        assert set(running) == set(row["jobs_that_run"]), row


CHECKS = {
    "expected.yml": check_output,
    "expected_error.txt": check_error,
    "expected_valid.txt": check_valid,
    "expected_assert.json": check_asserts,
    "expected_runs.json": check_runs,
}


def test_the_message_of_2018_is_given_in_the_wording_of_today() -> None:
    result = compiled(CASES / "golden-artifactory-2018-command-upload-missing-target")
    assert messages(result).splitlines()[-2:] == [
        "Error calling command: 'artifactory/upload'",
        "Missing required argument(s): file-spec, target",
    ]


def test_golden_outputs_keep_the_order_of_keys() -> None:
    for name in (n for n in NAMES if n.startswith("golden-") and n not in BELIEVED_WRONG):
        result = compiled(CASES / name)
        assert result.output is not None
        ours = yaml.safe_load(result.output)["workflows"]
        theirs = yaml.safe_load((CASES / name / "expected.yml").read_text())["workflows"]
        assert list(ours) == list(theirs)
