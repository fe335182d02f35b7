"""Contexts and project variables from the API to a claimed job, on a real database."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases, build
from roundel.domain.access import Actor
from roundel.domain.errors import Invalid
from roundel.domain.ids import PipelineId
from roundel.domain.pipelines import Pipeline, Ref
from roundel.domain.plan import Plan
from roundel.domain.runners import Secret
from roundel.domain.schedules import SYSTEM
from roundel.domain.settings import ProjectSettings
from roundel.services.work import Tx
from roundel.settings import Settings
from roundel.vault.cipher import new_key_text
from roundel.vault.tokens import digest_of
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.scenarios.conftest import House

CANARY = "canary-7f3a9c-in-the-mine"
PROJECT_CANARY = "canary-of-the-project-41d8"
ENVVAR = "/api/v2/project/gh/acme/web/envvar"


@pytest.fixture
def client(house: House) -> Client:
    token = (house.folder / "admin-token").read_text().strip()
    return Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)


async def a_group(house: House, client: Client) -> str:
    """Make a group that nobody is in; return its id."""
    made = await client.post(
        f"/api/v2/organizations/{house.project.organization.id}/groups", {"name": "nobody"}
    )
    assert made.status == 201, made
    return str(made.json()["id"])


async def sent(client: Client, method: str, target: str, body: str = "") -> Any:
    answer = await client.send(
        method, target, body.encode(), {"content-type": "application/json"} if body else {}
    )
    assert answer.status in {200, 201}, answer
    return answer.json()


async def a_context(client: Client, name: str = "prod", **variables: str) -> str:
    made = await client.post("/api/v2/context", {"name": name, "owner": {"slug": "gh/acme"}})
    assert made.status == 200, made
    id_ = made.json()["id"]
    for variable, value in variables.items():
        target = f"/api/v2/context/{id_}/environment-variable/{variable}"
        await sent(client, "PUT", target, f'{{"value": "{value}"}}')
    return str(id_)


def plan_with(*contexts: str, jobs: tuple[str, ...] = ("build",), of: str = "build") -> Plan:
    """Return a plan whose job `of` names contexts."""
    plan = a_plan(*jobs)
    [workflow] = plan.workflows
    slots = tuple(
        replace(slot, contexts=contexts) if slot.name == of else slot for slot in workflow.slots
    )
    return replace(plan, workflows=(replace(workflow, slots=slots),))


async def job_of(house: House, pipeline: Pipeline, name: str = "build") -> Any:
    workflow = await house.workflow(pipeline)
    return (await house.jobs(workflow.id))[name]


async def test_a_job_gets_its_contexts_and_the_project_s_variables_in_order(
    house: House, client: Client
):
    await a_context(client, "first", SHARED="first", ONLY_FIRST=CANARY)
    await a_context(client, "second", SHARED="second", CIRCLE_JOB="never")
    for name, value in {"SHARED": "project", "OWN": PROJECT_CANARY, "CI": "no"}.items():
        assert (await client.post(ENVVAR, {"name": name, "value": value})).status == 201
    await house.trigger(plan_with("first", "second"))
    order = await house.runner.run_one()
    assert order is not None
    environment = order.environment
    assert environment["SHARED"] == "second"
    assert environment["ONLY_FIRST"] == CANARY
    assert environment["OWN"] == PROJECT_CANARY
    assert environment["CIRCLE_JOB"] == "build"
    assert environment["CI"] == "true"
    assert {CANARY, PROJECT_CANARY, "second", "first"} <= set(order.masks)
    assert CANARY not in repr(order)
    assert PROJECT_CANARY not in repr(order)


async def test_a_job_without_contexts_gets_none(house: House, client: Client):
    await a_context(client, "first", SECRET=CANARY)
    await house.trigger(a_plan("build"))
    order = await house.runner.run_one()
    assert order is not None
    assert "SECRET" not in order.environment
    tokens = {order.environment[name] for name in ("CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2")}
    assert set(order.masks) == tokens


async def test_a_context_that_is_not_there_fails_the_job_by_name(house: House):
    pipeline = await house.trigger(plan_with("nowhere", jobs=("build", "next<build")))
    job = await job_of(house, pipeline)
    assert (job.status, job.message) == ("failed", "Context not found: nowhere")
    assert (await house.workflow(pipeline)).status == "failed"
    assert (await job_of(house, pipeline, "next")).status == "not_run"


async def test_a_restricted_context_makes_the_job_unauthorized(house: House, client: Client):
    context = await a_context(client, "prod", SECRET=CANARY)
    rule = {"restriction_type": "expression", "restriction_value": 'pipeline.git.branch == "rel"'}
    made = await client.post(f"/api/v2/context/{context}/restrictions", rule)
    assert made.status == 201, made
    house.repositories.branches.add("rel")
    refused = await house.trigger(plan_with("prod"))
    job = await job_of(house, refused)
    assert job.status == "unauthorized"
    assert job.message == (
        "This job may not use prod: the context's restriction is not fulfilled:"
        ' pipeline.git.branch == "rel".'
    )
    assert (await house.workflow(refused)).status == "unauthorized"
    allowed = await house.trigger(plan_with("prod"), ref=Ref(branch="rel"))
    assert (await job_of(house, allowed)).status == "queued"


async def test_who_approves_must_be_allowed_as_well(house: House, client: Client):
    context = await a_context(client, "prod", SECRET=CANARY)
    nobody = {"restriction_type": "group", "restriction_value": await a_group(house, client)}
    assert (await client.post(f"/api/v2/context/{context}/restrictions", nobody)).status == 201
    stranger = (await client.post("/api/roundel/token", {"login": "stranger"})).json()["token"]
    other = await house.engine.reads.actor(digest_of(stranger))
    assert other is not None
    for by, status in ((house.admin, "queued"), (other, "unauthorized")):
        pipeline = await house.trigger(
            plan_with("prod", jobs=("ok?", "between<ok", "deploy<between"), of="deploy")
        )
        workflow = await house.workflow(pipeline)
        hold = (await house.jobs(workflow.id))["ok"]
        await house.use.approve_job(workflow.id, hold.id, by)
        await house.runner.run_one()
        assert (await job_of(house, pipeline, "deploy")).status == status
        await house.runner.run_all()


async def test_the_server_itself_may_use_what_is_for_everybody(house: House, client: Client):
    context = await a_context(client, "prod", SECRET=CANARY)
    system = Actor(id=SYSTEM.id, login=SYSTEM.login, name=SYSTEM.name)
    group = await a_group(house, client)
    for rule, status in ((None, "queued"), (group, "unauthorized")):
        if rule is not None:
            body = {"restriction_type": "group", "restriction_value": rule}
            made = await client.post(f"/api/v2/context/{context}/restrictions", body)
            assert made.status == 201, made
        house.compiler.plan = plan_with("prod")
        pipeline = await house.use.trigger_pipeline(house.project, Ref(), {}, system)
        assert pipeline is not None
        await house.engine.ticks.settled()
        assert (await job_of(house, pipeline)).status == status


async def test_a_fork_s_pull_request_gets_nothing_unless_the_project_says_so(
    house: House, client: Client
):
    await a_context(client, "prod", SECRET=CANARY)
    await client.post(ENVVAR, {"name": "OWN", "value": PROJECT_CANARY})
    house.repositories.branches.add("pull/7/head")
    await house.trigger(plan_with("prod"), ref=Ref(branch="pull/7/head"))
    order = await house.runner.run_one()
    assert order is not None
    assert {"SECRET", "OWN"} & order.environment.keys() == set()

    def allow(tx: Tx) -> None:
        tx.settings.save_project(
            house.project.id, ProjectSettings(forks_receive_secret_env_vars=True)
        )

    await house.engine.database.write(allow)
    await house.trigger(plan_with("prod"), ref=Ref(branch="pull/7/head"))
    order = await house.runner.run_one()
    assert order is not None
    assert order.environment["SECRET"] == CANARY


async def test_a_tag_is_no_contribution_and_gets_what_branches_get(house: House, client: Client):
    await a_context(client, "prod", SECRET=CANARY)
    await client.post(ENVVAR, {"name": "OWN", "value": PROJECT_CANARY})
    house.repositories.tags.add("v1")
    await house.trigger(plan_with("prod"), ref=Ref(tag="v1"))
    order = await house.runner.run_one()
    assert order is not None
    given = order.environment
    assert (given["SECRET"], given["OWN"]) == (CANARY, PROJECT_CANARY)


async def test_a_context_that_is_gone_at_the_claim_ends_the_job_with_its_name(
    house: House, client: Client
):
    context = await a_context(client, "prod", SECRET=CANARY)
    pipeline = await house.trigger(plan_with("prod"))
    await sent(client, "DELETE", f"/api/v2/context/{context}")
    assert await house.runner.run_one() is None
    job = await job_of(house, pipeline)
    assert (job.status, job.message) == ("infrastructure_fail", "Context not found: prod")


async def test_no_secret_is_in_the_database_the_logs_or_an_answer(
    house: House, client: Client, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    context = await a_context(client, "prod", SECRET=CANARY)
    answers = [
        await client.post(ENVVAR, {"name": "OWN", "value": PROJECT_CANARY}),
        await client.post(ENVVAR, {"name": "BAD NAME", "value": PROJECT_CANARY}),
        await client.post(ENVVAR, {"name": "NUL", "value": f"{PROJECT_CANARY}\0"}),
        await client.post(ENVVAR, {"name": 1, "value": PROJECT_CANARY}),
        await client.get(ENVVAR),
        await client.get(f"{ENVVAR}/OWN"),
        await client.get("/api/v1.1/project/gh/acme/web/envvar"),
        await client.get(f"/api/v2/context/{context}/environment-variable"),
        await client.get("/api/v2/context?owner-slug=gh/acme"),
    ]
    pipeline = await house.trigger(plan_with("prod"))
    assert await house.runner.run_one() is not None
    job = await job_of(house, pipeline)
    answers += [
        await client.get(f"/api/v2/project/gh/acme/web/job/{job.number}"),
        await client.get(f"/api/v1.1/project/gh/acme/web/{job.number}"),
        await client.get(f"/api/v2/pipeline/{pipeline.id}/config"),
    ]
    await house.restart()
    dump = await house.dump()
    # What was written is on the disk in more than one form: look at the bytes as well.
    raw = b"".join(path.read_bytes() for path in house.folder.rglob("*") if path.is_file())
    shown = "".join(answer.body.decode() for answer in answers)
    for canary in (CANARY, PROJECT_CANARY):
        for hidden in (canary, canary.encode().hex(), canary[4:-4]):
            assert hidden not in dump
            assert hidden.encode() not in raw
            assert hidden not in shown
            assert hidden not in caplog.text


async def test_a_new_master_key_takes_over_while_everything_goes_on(house: House, client: Client):
    await a_context(client, "prod", **{f"V{n}": f"{CANARY}-{n}" for n in range(60)})
    await client.post(ENVVAR, {"name": "OWN", "value": PROJECT_CANARY})
    before = house.engine.cipher.current
    if house.database_url is not None:  # other servers would not know the new key
        with pytest.raises(Invalid, match="several servers share it"):
            await house.use.secrets.rotate_master_key()
        return
    answer = await sent(client, "POST", "/api/roundel/master-key/rotate")
    assert answer == {"message": "Sealed 61 secrets under a new master key."}
    after = house.engine.cipher.current
    assert after != before
    assert list(await house.engine.reads.secrets.keys_in_use()) == [after]
    await house.restart()
    assert house.engine.cipher.current == after
    assert len((house.folder / "master-key").read_text().split()) == 1
    await house.trigger(plan_with("prod"))
    order = await house.runner.run_one()
    assert order is not None
    assert order.environment["V59"] == f"{CANARY}-59"
    assert order.environment["OWN"] == PROJECT_CANARY


async def test_only_the_server_s_administrators_rotate_keys(client: Client):
    other = (await client.post("/api/roundel/token", {"login": "other"})).json()["token"]
    answer = await Client(client.api, other).post("/api/roundel/master-key/rotate")
    assert answer.status == 403


async def test_a_lost_master_key_is_said_and_fails_the_jobs_that_need_it(
    house: House, client: Client, caplog: pytest.LogCaptureFixture
):
    await a_context(client, "prod", SECRET=CANARY)
    (house.folder / "master-key").unlink()
    await house.restart()
    assert "master keys that are not here" in caplog.text
    pipeline = await house.trigger(plan_with("prod"))
    assert await house.runner.run_one() is None
    job = await job_of(house, pipeline)
    assert job.status == "infrastructure_fail"
    assert job.message.startswith("SECRET of prod cannot be opened: it was sealed under the master")


async def test_a_key_of_the_environment_is_not_ours_to_rotate(tmp_path: Path):
    key = Secret(new_key_text())
    engine = build(Settings(data=tmp_path / "other", run_jobs=False, master_key=key))
    try:
        with pytest.raises(Invalid, match="ROUNDEL_MASTER_KEY"):
            await UseCases(engine).secrets.rotate_master_key()
    finally:
        await engine.stop()
    assert not (tmp_path / "other/master-key").exists()


async def test_a_rerun_gets_the_secrets_of_now(house: House, client: Client):
    context = await a_context(client, "prod", SECRET="old-value")
    pipeline = await house.trigger(plan_with("prod"))
    target = f"/api/v2/context/{context}/environment-variable/SECRET"
    await sent(client, "PUT", target, f'{{"value": "{CANARY}"}}')
    order = await house.runner.run_one()
    assert order is not None
    assert order.environment["SECRET"] == CANARY
    assert (await house.pipeline(PipelineId(pipeline.id))).state == "created"
