"""Messages of each git host, and how they are read."""

from collections.abc import Callable

from roundel.domain.git_events import (
    GitEvent,
    Message,
)
from roundel.domain.git_hosts import Provider
from roundel.vcs.hosts import Adapters
from roundel.wire.web import Web
from tests import git_messages as sent
from tests.git_messages import SECRET, ZERO, Sent

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
