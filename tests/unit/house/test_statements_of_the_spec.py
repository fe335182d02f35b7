"""Every statement of the published run-time rules has its rows, or a reason why it has none.

`statements_shown.tsv` names a statement by the words that it begins with, and the rows of
`statements.tsv` that show it.
"""

import csv
import re
from collections.abc import Iterator

import pytest

from tests.spec import SPEC
from tests.unit.house.test_statements import TESTS, rows

LAST_SECTION = 9
WORDS = 5  # by which a statement is known


def statements(text: str) -> Iterator[tuple[str, str]]:
    """Yield each statement's section and first words: sentences, halves of them, rows of tables."""
    section = ""
    for line in text.splitlines():
        heading = re.match(r"#+ (?:(\d+(?:\.\d+)?)|\w+)", line)
        if heading:
            section = heading[1] or section
        elif not section or not line.strip() or line.startswith(("| name", "|---")):
            continue
        elif int(section.split(".")[0]) > LAST_SECTION:
            return
        elif line.startswith("|"):
            yield section, beginning(line.split("|")[1])
        else:
            said = re.sub(r"^(?:[*] |\d+\. )", "", line.strip())
            for part in re.split(r"(?<=[.;])\s+(?![a-z]\.)", said):
                yield section, beginning(part)


def beginning(statement: str) -> str:
    return " ".join(statement.split()[:WORDS])


def shown() -> list[tuple[tuple[str, str], list[str]]]:
    with (TESTS / "statements_shown.tsv").open(newline="") as file:
        found = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [((row["section"], row["begins"]), row["shown by"].split(" | ")) for row in found]


@pytest.mark.spec
def test_every_statement_of_the_rules_is_shown_or_has_a_reason() -> None:
    wanted = list(statements((SPEC / "job-runtime.md").read_text()))
    assert len(wanted) > 200
    assert [key for key, _ in shown()] == wanted


def test_what_shows_a_statement_is_there() -> None:
    known = {row["statement"] for row in rows()}
    for statement, by in shown():
        if by[0].startswith("- "):
            assert len(by) == 1 and len(by[0].split()) > 2, statement
        else:
            assert set(by) <= known, statement
