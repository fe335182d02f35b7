"""A job's environment and its order."""

from roundel.vault.env import branch_as_shown, job_environment


def test_sources_lie_over_each_other_in_the_documented_order() -> None:
    laid = job_environment(
        {"A": "job"},
        {"A": "built-in", "B": "built-in"},
        contexts=[{"A": "x", "B": "x", "C": "first", "D": "first"}, {"C": "second"}],
        project={"A": "project", "C": "project", "E": "project"},
    )
    assert laid == {
        "A": "job",
        "B": "built-in",
        "C": "second",
        "D": "first",
        "E": "project",
    }


def test_a_pull_request_is_shown_as_its_branch() -> None:
    assert branch_as_shown("pull/7/head") == "pull/7"
    assert branch_as_shown("pull/7/merge") == "pull/7"
    assert branch_as_shown("pull/seven") == "pull/seven"
    assert branch_as_shown(None) is None
