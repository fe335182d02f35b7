"""Which line of a config's errors a list shows."""

import pytest

from roundel.domain.pipelines import PipelineError
from roundel.web.statuses import headline

TREE = """ERROR IN CONFIG FILE:
[#/jobs/a] 0 subschemas matched instead of one
1. [#/jobs/a] only 1 subschema matches out of 2
|   1. [#/jobs/a] 2 schema violations found
|   |   1. [#/jobs/a] extraneous key [stepz] is not permitted
|   |   |   Permitted keys:
|   |   |     - steps
"""


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (TREE, "[#/jobs/a] extraneous key [stepz] is not permitted"),
        ("Cannot find a job named b", "Cannot find a job named b"),
        ("Error:\n--> .circleci/config.yml:2:1\nno such job", "no such job"),
        ("[#/jobs] 2 schema violations found", "[#/jobs] 2 schema violations found"),
        ("ERROR IN CONFIG FILE:", "ERROR IN CONFIG FILE:"),
        ("", ""),
    ],
)
def test_the_line_that_says_most_is_shown(message: str, line: str) -> None:
    assert headline([PipelineError(type="config", message=message)]) == line


def test_without_errors_nothing_is_said() -> None:
    assert headline([]) == ""
