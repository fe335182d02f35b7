"""The messages that GitHub publishes as examples, signed and posted, each with a known outcome."""

import json
from collections import Counter
from typing import Any

import pytest

from tests import git_messages as sent
from tests.npm import packages
from tests.scenarios.conftest import House
from tests.scenarios.hosted import hosted

pytestmark = pytest.mark.npm
REPOSITORY = "https://github.com/Codertocat/Hello-World.git"


def examples() -> list[tuple[str, Any]]:
    file = packages() / "@octokit/webhooks-examples/api.github.com/index.json"
    return [
        (entry["name"], example)
        for entry in json.loads(file.read_text())
        for example in entry["examples"]
    ]


async def test_every_published_example_starts_its_pipeline_or_says_why_not(house: House) -> None:
    house.repositories.branches |= {"master", "changes"}
    house.repositories.tags |= {"simple-tag"}
    host = await hosted(house, repository=REPOSITORY)
    listened = Counter[str]()
    for number, (name, body) in enumerate(examples()):
        answer = await host.send(sent.github(name, body, id_=str(number)))
        assert answer.status == 202, (name, answer)
        said = answer.json()["message"]
        assert said in ("accepted", "received before") or said.startswith("ignored: "), said
        listened[name] += said == "accepted"
    assert {name for name, count in listened.items() if count} == {"push", "pull_request"}
    made = [(it.ref.branch, it.ref.tag) for it in await host.pipelines()]
    assert set(made) == {("master", None), (None, "simple-tag")}
    answer = await host.own.get(f"/api/roundel/git/{host.connection}/messages")
    assert all(it["outcome"] for it in answer.json()["items"])
