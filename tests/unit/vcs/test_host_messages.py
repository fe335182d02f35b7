"""What git hosts send: read with all its odd cases, verified, and harmless where it is hostile."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roundel.domain.git_events import (
    BranchDelete,
    Comment,
    Message,
    PullAction,
    PullRequest,
    Push,
    TagPush,
)
from roundel.domain.git_hosts import GitHost, Provider, Unverified
from tests import git_messages as sent
from tests.git_messages import SECRET, ZERO, A, B, Sent
from tests.unit.vcs.host_messages import HOSTS, PULLS, PUSHES, TAGS, P, event, read


@pytest.mark.parametrize(("provider", "message"), PUSHES)
def test_a_push_is_read(provider: Provider, message: Callable[[str, str, str], Sent]) -> None:
    found = event(provider, message("feature/träger", A, B))
    assert isinstance(found, Push)
    assert (found.branch, found.before, found.after) == ("feature/träger", A, B)
    assert found.sender.login == "ada"
    assert found.repository.name == "web"
    if provider is not P.BITBUCKET_DC:  # which tells nothing of the commit
        assert found.commit is not None
        assert (found.commit.subject, found.commit.body) == ("Change it", "Because.")
        assert found.commit_url.endswith(B)


@pytest.mark.parametrize(("provider", "message"), PUSHES)
def test_a_new_branch_has_no_base_and_a_deleted_one_no_head(
    provider: Provider, message: Callable[[str, str, str], Sent]
) -> None:
    new, gone = event(provider, message("try", ZERO, B)), event(provider, message("try", A, ZERO))
    assert isinstance(new, Push) and new.before is None
    assert isinstance(gone, BranchDelete) and (gone.branch, gone.before) == ("try", A)


@pytest.mark.parametrize(("provider", "message"), TAGS)
def test_a_tag_is_read_and_a_deleted_one_is_ignored(
    provider: Provider, message: Callable[[str, str, str], Sent]
) -> None:
    tag = event(provider, message("v1.0", ZERO, B))
    assert isinstance(tag, TagPush)
    assert (tag.tag, tag.after) == ("v1.0", B)
    gone = read(provider, message("v1.0", A, ZERO))
    assert gone.events == ()
    assert [it.reason for it in gone.ignored] == ["the tag v1.0 is deleted"]


@pytest.mark.parametrize("fork", [False, True])
@pytest.mark.parametrize(("provider", "message"), PULLS)
def test_a_pull_request_is_read_and_whether_it_comes_from_a_fork(
    provider: Provider, message: Callable[[bool], Sent], fork: bool
) -> None:
    found = event(provider, message(fork))
    assert isinstance(found, PullRequest)
    assert (found.number, found.action, found.fork) == (7, PullAction.OPENED, fork)
    assert (found.head.branch, found.base.branch, found.title) == ("try", "main", "Try it")
    assert found.url.endswith("/7")
    assert found.author_id
    assert not found.trusted


def test_bitbuckets_cloud_says_where_a_fork_is_and_only_its_own_host_is_believed() -> None:
    def address(body: Any) -> str:
        found = event(P.BITBUCKET, sent.bitbucket("pullrequest:created", body))
        assert isinstance(found, PullRequest)
        return found.head.address

    forked = sent.bitbucket_pull(fork=True)
    assert address(forked) == "https://bitbucket.org/mallory/web"
    assert address(sent.bitbucket_pull()) == ""
    links = forked["pullrequest"]["source"]["repository"]["links"]
    for elsewhere in (
        "https://bitbucket.org.evil.example/mallory/web",
        "https://evil.example/mallory/web",
        "http://bitbucket.org/mallory/web",
        "file:///etc",
        "",
    ):
        links["html"] = {"href": elsewhere}
        assert address(forked) == ""


def test_a_fork_that_was_deleted_is_a_fork() -> None:
    body = sent.github_pull(fork=True)
    body["pull_request"]["head"]["repo"] = None
    found = event(P.GITHUB, sent.github("pull_request", body))
    assert isinstance(found, PullRequest) and found.fork


def test_a_push_of_2048_commits_is_read() -> None:
    body = sent.github_push()
    body["commits"] = [{**body["head_commit"], "id": f"{n:040x}"} for n in range(2048)]
    found = event(P.GITHUB, sent.github("push", body))
    assert isinstance(found, Push) and found.after == B


def test_several_changes_of_one_push_are_all_read() -> None:
    body = sent.bitbucket_push(
        sent.bitbucket_change("one"), sent.bitbucket_change("two", None, B, "annotated_tag")
    )
    found = read(P.BITBUCKET, sent.bitbucket("repo:push", body))
    assert [type(it) for it in found.events] == [Push, TagPush]


GITHUB_COMMENT = {
    "action": "created",
    "issue": {"number": 7, "pull_request": {"url": "x"}},
    "comment": {"body": "run it"},
    "repository": sent.GITHUB_REPOSITORY,
    "sender": sent.GITHUB_SENDER,
}
COMMENTS: list[tuple[Provider, Sent]] = [
    (P.GITHUB, sent.github("issue_comment", GITHUB_COMMENT)),
    (
        P.GITEA,
        sent.gitea("issue_comment", {**GITHUB_COMMENT, "issue": {"number": 7}, "is_pull": True}),
    ),
    (
        P.GITLAB,
        sent.gitlab(
            {
                "object_kind": "note",
                "user": {"id": 7, "username": "ada"},
                "project": sent.GITLAB_PROJECT,
                "object_attributes": {"note": "run it", "noteable_type": "MergeRequest"},
                "merge_request": {"iid": 7},
            }
        ),
    ),
    (
        P.BITBUCKET,
        sent.bitbucket(
            "pullrequest:comment_created",
            {
                **sent.bitbucket_pull(),
                "actor": sent.BITBUCKET_ACTOR,
                "comment": {"content": {"raw": "run it"}},
            },
        ),
    ),
    (
        P.BITBUCKET_DC,
        sent.bitbucket_dc(
            "pr:comment:added",
            {**sent.dc_pull(), "actor": {"name": "ada", "id": 7}, "comment": {"text": "run it"}},
        ),
    ),
]


@pytest.mark.parametrize(("provider", "message"), COMMENTS)
def test_a_comment_on_a_pull_request_is_read(provider: Provider, message: Sent) -> None:
    found = event(provider, message)
    assert isinstance(found, Comment) and (found.number, found.body) == (7, "run it")
    assert (found.sender.login, found.repository.name) == ("ada", "web")


def test_github_may_send_its_messages_as_forms() -> None:
    from urllib.parse import urlencode

    headers, raw = sent.github("push", sent.github_push())
    form = urlencode({"payload": raw.decode()}).encode()
    headers = {**headers, "x-hub-signature-256": f"sha256={sent.signed(SECRET, form)}"}
    assert isinstance(event(P.GITHUB, (headers, form)), Push)


@pytest.mark.parametrize("provider", [p for p in Provider if p is not P.GIT])
def test_an_event_that_nobody_knows_is_ignored_with_the_reason(provider: Provider) -> None:
    headers = {
        "x-github-event": "star",
        "x-gitea-event": "star",
        "x-event-key": "star:given",
    }
    host = HOSTS.of(provider)
    found = host.read(headers, b'{"object_kind": "star"}')
    assert isinstance(found, Message)
    assert found.events == ()
    assert "Roundel does not listen to star" in found.ignored[0].reason


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ALL: list[tuple[Provider, Sent]] = [
    *((p, make("main", A, B)) for p, make in PUSHES),
    *((p, make(True)) for p, make in PULLS),
]


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values in a document."""
    if isinstance(tree, dict):
        return [path, *(it for key in tree for it in leaves(tree[key], (*path, key)))]
    if isinstance(tree, list):
        return [path, *(it for key in range(len(tree)) for it in leaves(tree[key], (*path, key)))]
    return [path]


@settings(deadline=None)
@given(data=st.data())
@pytest.mark.parametrize(("provider", "message"), ALL)
def test_whatever_stands_in_a_message_nothing_is_raised(
    provider: Provider, message: Sent, data: st.DataObject
) -> None:
    host: GitHost = HOSTS.of(provider)
    headers, raw = message
    tree = json.loads(raw)
    path = data.draw(st.sampled_from(leaves(tree)))
    value = data.draw(trees)
    if not path:
        tree = value
    else:
        spot = tree
        for key in path[:-1]:
            spot = spot[key]
        spot[path[-1]] = value
    made = host.read(headers, json.dumps(tree).encode("utf-8", "surrogatepass"))
    assert isinstance(made, Message | Unverified)


@settings(deadline=None)
@given(
    raw=st.binary(max_size=300),
    headers=st.dictionaries(
        st.sampled_from(
            [
                *("x-github-event", "x-gitea-event", "x-event-key", "x-hub-signature-256"),
                *("x-hub-signature", "x-gitlab-token", "x-gitea-signature", "authorization"),
            ]
        ),
        st.text(max_size=30),
    ),
)
def test_bytes_and_headers_of_any_kind_raise_nothing(raw: bytes, headers: dict[str, str]) -> None:
    for provider in Provider:
        host = HOSTS.of(provider)
        assert not host.verify(headers, raw, SECRET)
        for body in (raw, b"payload=" + raw, b"[" * 50_000):
            assert isinstance(host.read(headers, body), Message | Unverified)
