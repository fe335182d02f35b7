"""Commits that ask for no pipeline."""

import pytest

from roundel.domain.pipelines import Commit
from roundel.domain.skipping import asks_to_skip


@pytest.mark.parametrize(
    ("subject", "body", "skips"),
    [
        ("Fix typo [ci skip]", "", True),
        ("[skip ci] Fix typo", "", True),
        ("Fix typo", "For later.\n\n[skip ci]", True),
        ("Fix typo", "", False),
        ("Fix [ci-skip] [skip] ci", "", False),
        ("x" * 241 + "[ci skip]", "", True),
        ("x" * 242 + "[ci skip]", "", False),
        ("x" * 100, "y" * 139 + "[ci skip]", True),
        ("x" * 100, "y" * 140 + "[ci skip]", False),
    ],
)
def test_a_marker_counts_within_the_first_250_characters(subject: str, body: str, skips: bool):
    assert asks_to_skip(Commit(revision="f" * 40, subject=subject, body=body)) is skips
