"""Each statement of the run-time rules, and each promise of reliability, has a test that shows it.

`reliability.tsv` has the faults that orchestration must outlast: R1 kills of the server, R4
troubles of its database, R6 cuts of the network, R7 two servers on one database, R8 a polite
end, R9 clocks, R12 webhooks that come again, R13 random workflows, R14 cancels, R15 buttons
pressed at once, R16 leases that were lost.
"""

import csv
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
SECTIONS = {"1.1", "1.2", *"23456789", "10"}
RELIABILITY = {f"R{number}" for number in (1, 4, 6, 7, 8, 9, 12, 13, 14, 15, 16)}


def rows(table: str = "statements.tsv") -> list[dict[str, str]]:
    with (TESTS / table).open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _functions(path: Path) -> set[str]:
    return set(re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize("table", ["statements.tsv", "reliability.tsv"])
def test_every_statement_names_tests_that_exist(table: str) -> None:
    known: dict[Path, set[str]] = {}
    for row in rows(table):
        assert row["tests"], row
        for test in row["tests"].split():
            file, _, name = test.partition("::")
            path = TESTS / file
            if path not in known:
                assert path.is_file(), test
                known[path] = _functions(path)
            assert name in known[path], test


def test_every_section_has_statements() -> None:
    assert {row["section"] for row in rows()} == SECTIONS


def test_every_item_of_reliability_has_promises() -> None:
    assert {row["item"] for row in rows("reliability.tsv")} == RELIABILITY
