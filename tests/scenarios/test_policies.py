"""Config policies: replaced, asked, and applied to the pipelines of an organisation."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.services.judging import Judge
from roundel.services.policy_worker import Question
from tests.api.client import Answer, Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.scenarios.conftest import House

EMPTY = 'package org\npolicy_name["p"]'
NO_EVIL = """package org
policy_name["no_evil"]
enable_hard["evil"]
evil = reason { input.evil; reason := sprintf("%s is not wanted", [input.evil]) }
"""
BETTER = """package org
policy_name["better"]
enable_rule["old"]
old = "please move on" { input.version < 3 }
"""


class Office:
    """The administrator of acme."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.api = create_api(house.engine, UseCases(house.engine), SETTINGS)
        self.client = Client(self.api, (house.folder / "admin-token").read_text().strip())
        owner = house.project.organization.id
        self.path = f"/api/v2/owner/{owner}/context/config"

    async def put(self, *texts: str, dry: bool = False) -> Answer:
        policies = {f"{number}.rego": text for number, text in enumerate(texts)}
        query = "?dry=true" if dry else ""
        return await self.client.post(f"{self.path}/policy-bundle{query}", {"policies": policies})

    async def switch(self, enabled: bool) -> Answer:
        body = b'{"enabled": true}' if enabled else b'{"enabled": false}'
        return await self.client.send("PATCH", f"{self.path}/decision/settings", body)

    async def get(self, rest: str) -> Any:
        answer = await self.client.get(self.path + rest)
        assert answer.status == 200, answer
        return answer.json()

    async def run(self, config: str) -> Any:
        """Trigger a pipeline with a config that the compiler accepts; return the pipeline."""
        self.house.repositories.config = config
        return await self.house.trigger(a_plan("build"))


@pytest.fixture
async def office(house: House) -> AsyncIterator[Office]:
    yield Office(house)


async def test_a_bundle_replaces_the_one_before_and_says_what_changed(office: Office) -> None:
    first = await office.put(NO_EVIL, BETTER)
    assert first.status == 201
    assert first.json() == {"created": ["better", "no_evil"], "deleted": [], "modified": []}
    changed = NO_EVIL.replace("is not wanted", "must go")
    dry = await office.put(changed, dry=True)
    assert dry.status == 200
    expected = {"created": [], "deleted": ["better"], "modified": ["no_evil"]}
    assert dry.json() == expected
    assert set(await office.get("/policy-bundle")) == {"better", "no_evil"}
    assert (await office.put(changed)).json() == expected
    bundle = await office.get("/policy-bundle")
    assert set(bundle) == {"no_evil"}
    one = await office.get("/policy-bundle/no_evil")
    assert one == bundle["no_evil"]
    assert (one["content"], one["created_by"]) == (changed, office.house.admin.id)
    missing = await office.client.get(f"{office.path}/policy-bundle/better")
    assert (missing.status, missing.json()) == (404, {"error": "policy not found"})


async def test_a_policy_that_stays_keeps_its_time(office: Office) -> None:
    await office.put(NO_EVIL)
    before = (await office.get("/policy-bundle/no_evil"))["created_at"]
    office.house.clock.forward(60_000_000)
    await office.put(NO_EVIL, BETTER)
    assert (await office.get("/policy-bundle/no_evil"))["created_at"] == before


async def test_a_policy_that_is_not_valid_is_refused_and_changes_nothing(office: Office) -> None:
    await office.put(NO_EVIL)
    answer = await office.put("package org\npolicy_name[")
    assert answer.status == 400
    assert "0.rego" in answer.json()["error"]
    assert set(await office.get("/policy-bundle")) == {"no_evil"}


async def test_a_bundle_that_is_too_large_is_413(office: Office) -> None:
    api = create_api(
        office.house.engine,
        UseCases(office.house.engine),
        replace(SETTINGS, max_body_bytes=4_000_000),
    )
    client = Client(api, office.client.token)
    large = NO_EVIL + "#" * 2_700_000
    answer = await client.post(f"{office.path}/policy-bundle", {"policies": {"a.rego": large}})
    assert answer.status == 413
    assert set(answer.json()) == {"error"}


async def test_a_config_that_breaks_a_hard_rule_never_runs(office: Office) -> None:
    await office.put(NO_EVIL, BETTER)
    assert (await office.switch(True)).json() == {"enabled": True}
    pipeline = await office.house.pipeline((await office.run("evil: trick")).id)
    assert pipeline.state == "errored"
    assert pipeline.errors[0].message == (
        "This config was blocked by the organization's config policies:\nevil: trick is not wanted"
    )
    assert await office.house.rows("SELECT id FROM workflow") == []
    [log] = await office.get("/decision?status=HARD_FAIL&branch=main")
    assert log["decision"]["hard_failures"] == [{"rule": "evil", "reason": "trick is not wanted"}]
    assert log["metadata"]["build_number"] == pipeline.number
    assert log["metadata"]["project_id"] == office.house.project.id
    assert log["metadata"]["vcs"]["branch"] == "main"
    assert {len(digest) for digest in log["policies"].values()} == {128}
    assert await office.get(f"/decision/{log['id']}") == log


async def test_what_breaks_softly_runs_and_is_on_record(office: Office) -> None:
    await office.put(BETTER)
    await office.switch(True)
    pipeline = await office.run("version: 2")
    assert (await office.house.pipeline(pipeline.id)).state == "created"
    [log] = await office.get("/decision")
    assert log["decision"]["status"] == "SOFT_FAIL"
    assert log["decision"]["soft_failures"] == [{"rule": "old", "reason": "please move on"}]
    assert await office.get("/decision?status=PASS") == []
    assert await office.get(f"/decision?after={log['created_at']}") == [log]
    assert await office.get(f"/decision?before={log['created_at']}") == []


async def test_a_decision_remembers_the_policies_as_they_were(office: Office) -> None:
    await office.put(BETTER)
    await office.switch(True)
    await office.run("version: 2")
    await office.put(NO_EVIL)
    [log] = await office.get("/decision")
    bundle = await office.get(f"/decision/{log['id']}/policy-bundle")
    assert bundle["better"]["content"] == BETTER


async def test_policies_that_are_switched_off_judge_nothing(office: Office) -> None:
    await office.put(NO_EVIL)
    assert await office.get("/decision/settings") == {"enabled": False}
    pipeline = await office.run("evil: trick")
    assert (await office.house.pipeline(pipeline.id)).state == "created"
    assert await office.get("/decision") == []


async def test_what_cannot_be_judged_does_not_run(office: Office) -> None:
    await office.put(NO_EVIL)
    await office.switch(True)
    office.house.engine.judge = Judge(seconds=0)
    pipeline = await office.house.pipeline((await office.run("good: true")).id)
    assert pipeline.state == "errored"
    assert "could not be evaluated" in pipeline.errors[0].message
    [log] = await office.get("/decision")
    assert log["decision"]["status"] == "ERROR"
    assert "longer than" in log["decision"]["reason"]


async def test_a_decision_can_be_asked_for_without_a_pipeline(office: Office) -> None:
    await office.put(NO_EVIL)
    path = f"{office.path}/decision"
    answer = await office.client.post(path, {"input": "evil: x", "metadata": {"build_number": 1}})
    assert answer.json() == {
        "status": "HARD_FAIL",
        "enabled_rules": ["evil"],
        "hard_failures": [{"rule": "evil", "reason": "x is not wanted"}],
    }
    assert (await office.client.post(path, {"input": "good: x"})).json()["status"] == "PASS"
    assert (await office.client.post(path, {"input": "a: [b"})).json()["status"] == "ERROR"


async def test_a_context_other_than_config_is_refused(office: Office) -> None:
    answer = await office.client.get(office.path.replace("config", "other") + "/policy-bundle")
    assert answer.status == 400
    assert answer.json() == {"error": "context: must be a valid value."}


async def test_a_policy_sees_nothing_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUNDEL_SECRET_OF_OURS", "hunter123")
    nosy = 'package org\npolicy_name["n"]\nenable_rule["r"]\nr = json.marshal(opa.runtime().env)'
    decision = await Judge().decide(Question({"n": nosy}, input="a: 1"))
    assert "hunter123" not in repr(decision)
    assert os.environ["ROUNDEL_SECRET_OF_OURS"] == "hunter123"


async def test_a_policy_that_never_ends_is_ended() -> None:
    slow = (
        'package org\npolicy_name["s"]\nenable_rule["r"]\n'
        'r = "x" { count([1 | numbers.range(1, 3000)[_]; numbers.range(1, 3000)[_]]) > 5 }'
    )
    decision = await Judge(seconds=2).decide(Question({"s": slow}, input="a: 1"))
    assert decision.status == "ERROR"
    assert decision.blocks


async def test_a_policy_that_wants_all_memory_is_ended() -> None:
    greedy = (
        'package org\npolicy_name["s"]\nenable_rule["r"]\n'
        'r = "x" { count([s | some i in numbers.range(1, 3000); some j in numbers.range(1, 3000);'
        ' s := sprintf("%d takes some room, and so does %d", [i, j])]) > 5 }'
    )
    decision = await Judge(seconds=60).decide(Question({"s": greedy}, input="a: 1"))
    assert decision.status == "ERROR"
    assert decision.reason == "The policies need more memory than they may use."


def test_a_server_that_has_become_large_judges_as_before() -> None:
    """A process begins with the record of the one that started it; that is not its own need."""
    large = (
        "import asyncio; from roundel.services.judging import Judge;"
        "from roundel.services.policy_worker import MEMORY_BYTES, Question;"
        "was_large = b'x' * (MEMORY_BYTES + 2**20); del was_large;"
        f"asked = Question({{'p': {EMPTY!r}}}, input='a: 1');"
        "print(asyncio.run(Judge().decide(asked)).status)"
    )
    ended = subprocess.run([sys.executable, "-c", large], capture_output=True, text=True)
    assert ended.stdout == "PASS\n", ended.stderr


@pytest.mark.spec
async def test_policies_and_decisions_are_as_published(tmp_path: Path) -> None:
    from tests.api.test_published_schema import validator  # reads what is there only for specs

    house = House(tmp_path / "data")
    await house.open()
    office = Office(house)
    path = "/owner/{ownerID}/context/{context}"
    validator("post", f"{path}/policy-bundle", "201").validate((await office.put(BETTER)).json())
    switched = await office.switch(True)
    validator("patch", f"{path}/decision/settings", "200").validate(switched.json())
    await office.run("version: 2")
    logs = await office.get("/decision")
    for key, rest in {
        "/policy-bundle": "/policy-bundle",
        "/policy-bundle/{policyName}": "/policy-bundle/better",
        "/decision": "/decision",
        "/decision/settings": "/decision/settings",
        "/decision/{decisionID}": f"/decision/{logs[0]['id']}",
        "/decision/{decisionID}/policy-bundle": f"/decision/{logs[0]['id']}/policy-bundle",
    }.items():
        validator("get", path + key, "200").validate(await office.get(rest))
    decided = await office.client.post(f"{office.path}/decision", {"input": "version: 2"})
    validator("post", f"{path}/decision", "200").validate(decided.json())
    await house.engine.stop()
