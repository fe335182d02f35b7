"""Each statement of the run-time rules that can be observed has a test that shows it."""

import csv
import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
SECTIONS = {"1.1", "1.2", *"23456789", "10"}


def rows() -> list[dict[str, str]]:
    with (TESTS / "statements.tsv").open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _functions(path: Path) -> set[str]:
    return set(re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE))


def test_every_statement_names_tests_that_exist() -> None:
    known: dict[Path, set[str]] = {}
    for row in rows():
        assert row["tests"], row["statement"]
        for test in row["tests"].split():
            file, _, name = test.partition("::")
            path = TESTS / file
            if path not in known:
                assert path.is_file(), test
                known[path] = _functions(path)
            assert name in known[path], test


def test_every_section_has_statements() -> None:
    assert {row["section"] for row in rows()} == SECTIONS
