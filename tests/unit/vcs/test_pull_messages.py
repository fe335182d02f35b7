"""What git hosts say was done to a pull request."""

from typing import Any

import pytest

from roundel.domain.git_events import (
    PullAction,
    PullRequest,
)
from roundel.domain.git_hosts import Provider
from tests import git_messages as sent
from tests.git_messages import A, Sent
from tests.unit.vcs.host_messages import P, event


def of_github(action: str, *, merged: bool = False, **more: Any) -> Sent:
    state = {"merged": merged, "state": "closed" if action == "closed" else "open"}
    return sent.github("pull_request", {**sent.github_pull(action, **state), **more})


def of_gitea(event: str, action: str, *, labels: Any = (), **more: Any) -> Sent:
    state = "closed" if action == "closed" else "open"
    pull = sent.github_pull(action, labels=[{"name": it} for it in labels], state=state)
    return sent.gitea(event, {**pull, **more})


def of_gitlab(action: str, *, changes: Any = None, **facts: Any) -> Sent:
    body = sent.gitlab_merge_request(action, **facts)
    return sent.gitlab({**body, "changes": changes or {}})


def of_bitbucket(event: str, state: str = "OPEN") -> Sent:
    return sent.bitbucket(f"pullrequest:{event}", sent.bitbucket_pull(state=state))


def of_data_center(event: str, state: str = "OPEN") -> Sent:
    return sent.bitbucket_dc(f"pr:{event}", sent.dc_pull(state=state))


def titles(*names: str) -> list[dict[str, str]]:
    return [{"title": name} for name in names]


CI = {"name": "run-ci"}
LABELS = {"labels": {"previous": titles("docs"), "current": titles("docs", "a", "run-ci")}}
DONE: list[tuple[Provider, Sent, PullAction | str]] = [
    (P.GITHUB, of_github("synchronize"), PullAction.SYNCHRONIZE),
    (P.GITHUB, of_github("reopened"), PullAction.REOPENED),
    (P.GITHUB, of_github("labeled", label=CI), PullAction.LABELED),
    (P.GITHUB, of_github("ready_for_review"), PullAction.READY),
    (P.GITHUB, of_github("closed"), PullAction.CLOSED),
    (P.GITHUB, of_github("closed", merged=True), "merged"),
    (P.GITEA, of_gitea("pull_request_sync", "synchronized"), PullAction.SYNCHRONIZE),
    (P.GITEA, of_gitea("pull_request", "reopened"), PullAction.REOPENED),
    (
        P.GITEA,
        of_gitea("pull_request_label", "label_updated", labels=("docs", "run-ci")),
        PullAction.LABELED,
    ),
    (P.GITEA, of_gitea("pull_request", "closed"), PullAction.CLOSED),
    (P.GITLAB, of_gitlab("update", oldrev=A), PullAction.SYNCHRONIZE),
    (P.GITLAB, of_gitlab("update"), PullAction.CHANGED),
    (P.GITLAB, of_gitlab("reopen"), PullAction.REOPENED),
    (P.GITLAB, of_gitlab("update", changes=LABELS), PullAction.LABELED),
    (
        P.GITLAB,
        of_gitlab("update", changes={"draft": {"previous": True, "current": False}}),
        PullAction.READY,
    ),
    (P.GITLAB, of_gitlab("close", state="closed"), PullAction.CLOSED),
    (P.GITLAB, of_gitlab("merge", state="merged"), "merged"),
    (P.BITBUCKET, of_bitbucket("updated"), PullAction.SYNCHRONIZE),
    (P.BITBUCKET, of_bitbucket("rejected", "DECLINED"), PullAction.CLOSED),
    (P.BITBUCKET, of_bitbucket("fulfilled", "MERGED"), "merged"),
    (P.BITBUCKET_DC, of_data_center("from_ref_updated"), PullAction.SYNCHRONIZE),
    (P.BITBUCKET_DC, of_data_center("reopened"), PullAction.REOPENED),
    (P.BITBUCKET_DC, of_data_center("modified"), PullAction.CHANGED),
    (P.BITBUCKET_DC, of_data_center("declined", "DECLINED"), PullAction.CLOSED),
    (P.BITBUCKET_DC, of_data_center("deleted"), PullAction.CLOSED),
    (P.BITBUCKET_DC, of_data_center("merged", "MERGED"), "merged"),
]


@pytest.mark.parametrize(("provider", "message", "action"), DONE)
def test_each_host_says_what_was_done_to_a_pull_request(
    provider: Provider, message: Sent, action: PullAction | str
) -> None:
    found = event(provider, message)
    assert isinstance(found, PullRequest)
    assert found.merged is (action == "merged")
    assert found.action is (PullAction.CLOSED if found.merged else action)
    assert found.open is (found.action is not PullAction.CLOSED)
    assert ("run-ci" in found.added_labels) is (action is PullAction.LABELED)


def test_gitea_may_say_which_label_is_new() -> None:
    changes = {"added_labels": [{"name": "docs"}], "removed_labels": []}
    message = of_gitea(
        "pull_request_label", "label_updated", labels=("docs", "run-ci"), changes=changes
    )
    found = event(P.GITEA, message)
    assert isinstance(found, PullRequest) and found.added_labels == ("docs",)
