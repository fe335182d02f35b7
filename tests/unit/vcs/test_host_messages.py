"""What git hosts send: read with all its odd cases, verified, and harmless where it is hostile."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roundel.domain.git_events import (
    BranchDelete,
    Comment,
    GitEvent,
    Message,
    PullAction,
    PullRequest,
    Push,
    TagPush,
)
from roundel.domain.git_hosts import GitHost, Provider, Unverified
from roundel.vcs.hosts import Adapters
from roundel.wire.web import Web
from tests import git_messages as sent
from tests.git_messages import SECRET, ZERO, A, B, Sent

HOSTS = Adapters(Web())


def read(provider: Provider, message: Sent) -> Message:
    host = HOSTS.of(provider)
    headers, raw = message
    assert host.verify(headers, raw, SECRET)
    found = host.read(headers, raw)
    assert isinstance(found, Message)
    return found


def event(provider: Provider, message: Sent) -> GitEvent:
    (found,) = read(provider, message).events
    return found


P = Provider
PUSHES: list[tuple[Provider, Callable[[str, str, str], Sent]]] = [
    (P.GITHUB, lambda b, o, n: sent.github("push", sent.github_push(f"refs/heads/{b}", o, n))),
    (P.GITEA, lambda b, o, n: sent.gitea("push", sent.github_push(f"refs/heads/{b}", o, n))),
    (P.GITLAB, lambda b, o, n: sent.gitlab(sent.gitlab_push("push", f"refs/heads/{b}", o, n))),
    (
        P.BITBUCKET,
        lambda b, o, n: sent.bitbucket(
            "repo:push",
            sent.bitbucket_push(
                sent.bitbucket_change(b, *(None if it == ZERO else it for it in (o, n)))
            ),
        ),
    ),
    (
        P.BITBUCKET_DC,
        lambda b, o, n: sent.bitbucket_dc("repo:refs_changed", sent.dc_push("BRANCH", b, o, n)),
    ),
]
TAGS: list[tuple[Provider, Callable[[str, str, str], Sent]]] = [
    (P.GITHUB, lambda t, o, n: sent.github("push", sent.github_push(f"refs/tags/{t}", o, n))),
    (P.GITEA, lambda t, o, n: sent.gitea("push", sent.github_push(f"refs/tags/{t}", o, n))),
    (P.GITLAB, lambda t, o, n: sent.gitlab(sent.gitlab_push("tag_push", f"refs/tags/{t}", o, n))),
    (
        P.BITBUCKET,
        lambda t, o, n: sent.bitbucket(
            "repo:push",
            sent.bitbucket_push(
                sent.bitbucket_change(t, *(None if it == ZERO else it for it in (o, n)), "tag")
            ),
        ),
    ),
    (
        P.BITBUCKET_DC,
        lambda t, o, n: sent.bitbucket_dc("repo:refs_changed", sent.dc_push("TAG", t, o, n)),
    ),
]
PULLS: list[tuple[Provider, Callable[[bool], Sent]]] = [
    (P.GITHUB, lambda fork: sent.github("pull_request", sent.github_pull(fork=fork))),
    (P.GITEA, lambda fork: sent.gitea("pull_request", sent.github_pull(fork=fork))),
    (P.GITLAB, lambda fork: sent.gitlab(sent.gitlab_merge_request(fork=fork))),
    (
        P.BITBUCKET,
        lambda fork: sent.bitbucket("pullrequest:created", sent.bitbucket_pull(fork=fork)),
    ),
    (P.BITBUCKET_DC, lambda fork: sent.bitbucket_dc("pr:opened", sent.dc_pull(fork=fork))),
]


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


def forgeries(headers: Mapping[str, str]) -> list[dict[str, str]]:
    """The same headers with their proof missing, cut short, weakened or of another."""
    made: list[dict[str, str]] = []
    for name in headers:
        if "signature" not in name and "token" not in name:
            continue
        value = headers[name]
        without = {key: it for key, it in headers.items() if key != name}
        made += [
            without,
            {**headers, name: ""},
            {**headers, name: value[:-1]},
            {**headers, name: value.upper() + "é"},
            {**headers, name: value.replace("sha256=", "sha1=") + "0"},
            {**without, "x-hub-signature": "sha1=" + "0" * 40},
        ]
    return made


@pytest.mark.parametrize(("provider", "message"), PUSHES)
def test_s7_nothing_but_the_right_proof_over_the_raw_bytes_is_taken(
    provider: Provider, message: Callable[[str, str, str], Sent]
) -> None:
    headers, raw = message("main", A, B)
    host = HOSTS.of(provider)
    assert host.verify(headers, raw, SECRET)
    assert not host.verify(headers, raw, SECRET + "x")
    assert not host.verify({}, raw, SECRET)
    for forged in forgeries(headers):
        assert not host.verify(forged, raw, SECRET), forged
    if provider is not P.GITLAB:  # which signs no bodies
        assert not host.verify(headers, raw + b" ", SECRET)


@pytest.mark.parametrize(("provider", "message"), PUSHES)
def test_s7_a_proof_is_compared_in_constant_time(
    provider: Provider, message: Callable[[str, str, str], Sent], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, raw = message("main", A, B)
    compared: list[bytes] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.extend((one, other))
        return True  # whatever is believed was compared by this, and by nothing else

    monkeypatch.setattr("hmac.compare_digest", compare)
    forged = {name: value[:-1] + "0" for name, value in headers.items()}
    assert HOSTS.of(provider).verify(forged, raw, SECRET)
    assert len(compared) == 2


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
