"""Signed messages with odd values in them: each is answered and dealt with, and nothing breaks."""

import json
import logging
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests import git_messages as sent
from tests.git_messages import ZERO, A, B, Sent
from tests.scenarios.conftest import House
from tests.scenarios.hosted import hosted

ODD: list[Any] = [
    *(None, True, -1, 0, 2**70, 1.5e300, [], {}, [None], {"a": {}}),
    *("", "\x00", "\ud800", "x" * 20_000, "é" * 300, "..", "-x", "a\nb", "refs/heads/"),
    *("$(id) `id` ${IFS}", "<< pipeline.id >>", "{{ 1 }}", "'; DROP TABLE pipeline; --"),
]
TRIES = 40  # of each message

Wrap = Callable[[Any, str], Sent]
MESSAGES: list[tuple[str, Wrap, Any]] = [
    ("github", lambda it, id_: sent.github("push", it, id_=id_), sent.github_push()),
    (
        "github",
        lambda it, id_: sent.github("pull_request", it, id_=id_),
        sent.github_pull(fork=True),
    ),
    ("gitea", lambda it, id_: sent.gitea("push", it, id_=id_), sent.github_push()),
    ("gitlab", lambda it, id_: sent.gitlab(it, id_=id_), sent.gitlab_push()),
    (
        "gitlab",
        lambda it, id_: sent.gitlab(it, id_=id_),
        sent.gitlab_merge_request(fork=True),
    ),
    (
        "bitbucket",
        lambda it, id_: sent.bitbucket("repo:push", it, id_=id_),
        sent.bitbucket_push(sent.bitbucket_change(), sent.bitbucket_change("v1", None, B, "tag")),
    ),
    (
        "bitbucket",
        lambda it, id_: sent.bitbucket("pullrequest:created", it, id_=id_),
        sent.bitbucket_pull(fork=True),
    ),
    (
        "bitbucket-dc",
        lambda it, id_: sent.bitbucket_dc("repo:refs_changed", it, id_=id_),
        sent.dc_push("BRANCH", "try", ZERO, A),
    ),
    (
        "bitbucket-dc",
        lambda it, id_: sent.bitbucket_dc("pr:opened", it, id_=id_),
        sent.dc_pull(fork=True),
    ),
]


def with_odd_value(body: Any, chance: random.Random) -> Any:
    """Return a copy with one value somewhere in it replaced."""
    changed = json.loads(json.dumps(body))
    spot: Any = changed
    while True:
        keys = list(spot) if isinstance(spot, dict) else list(range(len(spot)))
        key = chance.choice(keys)
        inner = spot[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.1:
            spot[key] = chance.choice(ODD)
            return changed
        spot = inner


@pytest.mark.parametrize(("provider", "wrap", "body"), MESSAGES)
async def test_a_message_with_an_odd_value_is_answered_and_dealt_with(
    house: House, caplog: pytest.LogCaptureFixture, provider: str, wrap: Wrap, body: Any
) -> None:
    host = await hosted(house, provider, repository="/srv/odd.git", token="not-to-be-seen")
    await host.settings(build_fork_prs=True)
    chance = random.Random(f"{provider} {len(str(body))}")
    for number in range(TRIES):
        answer = await host.send(wrap(with_odd_value(body, chance), f"odd-{number}"))
        assert answer.status in (202, 400), answer
        assert sent.SECRET not in answer.body.decode()
        assert "not-to-be-seen" not in answer.body.decode()
    outcomes = await host.outcomes()
    assert "" not in outcomes  # each says what came of it
    assert not [it for it in caplog.records if it.levelno >= logging.ERROR]
    assert sent.SECRET not in caplog.text
