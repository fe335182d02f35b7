"""Forks and strangers: they get nothing, and who they are comes from the host alone."""

import pytest

from roundel.api.app import create_api
from roundel.domain.pipelines import PipelineState
from tests import git_messages as sent
from tests.api.conftest import SETTINGS
from tests.git_messages import ZERO, B, C
from tests.scenarios.conftest import House
from tests.scenarios.hosted import Hosted, hosted, pull, push
from tests.scenarios.test_organizations import somebody


@pytest.fixture
async def host(house: House) -> Hosted:
    return await hosted(house)


async def test_a_fork_is_not_built_unless_the_project_says_so(host: Hosted) -> None:
    await host.send(pull("opened"))
    assert await host.pipelines() == []
    assert await host.outcomes() == [
        "ignored: pull requests of forks are not built: build_fork_prs is off"
    ]
    await host.settings(build_fork_prs=True)
    await host.send(pull("synchronize"))
    (pipeline,) = await host.pipelines()
    assert pipeline.ref.branch == "pull/7/head"
    assert pipeline.origin is not None and pipeline.origin.fork


async def test_s3_a_forks_job_gets_no_secret_and_keeps_no_cache_of_ours(host: Hosted) -> None:
    await host.house.use.secrets.put_project_variable(host.project, "DEPLOY_KEY", "s3cret-value")
    await host.settings(build_fork_prs=True)
    await host.send(pull("opened"))
    order = await host.house.runner.claim()
    assert order is not None
    environment = order.environment
    assert "DEPLOY_KEY" not in environment
    assert not any("s3cret-value" in mask for mask in order.masks)
    assert "CIRCLE_OIDC_TOKEN" not in environment
    assert order.ssh_keys in (None, ())
    assert environment["CIRCLE_BRANCH"] == "pull/7"
    assert environment["CIRCLE_PR_NUMBER"] == "7"
    assert environment["CIRCLE_PR_USERNAME"] == "mallory"
    assert environment["CIRCLE_PR_REPONAME"] == "web-fork"
    assert environment["CIRCLE_PULL_REQUEST"] == "https://github.com/acme/web/pull/7"
    assert environment["CIRCLE_USERNAME"] == "mallory"


async def test_s3_who_someone_is_comes_from_the_host_and_never_from_the_commit(
    host: Hosted,
) -> None:
    body = sent.github_push()
    body["head_commit"]["author"] = {"name": "admin", "email": "admin@x", "username": "admin"}
    body["pusher"] = {"name": "admin"}
    await host.send(sent.github("push", body))
    (pipeline,) = await host.pipelines()
    assert pipeline.trigger.actor_login == "ada"
    assert pipeline.trigger.actor_id is None  # a login there is nobody here


async def test_s3_a_branch_called_like_a_pull_request_gains_nothing(host: Hosted) -> None:
    await host.house.use.secrets.put_project_variable(host.project, "DEPLOY_KEY", "s3cret-value")
    await host.send(push(ZERO, B, "pull/7/head"))
    order = await host.house.runner.claim()
    assert order is not None
    assert "DEPLOY_KEY" not in order.environment


async def test_s3_a_strangers_first_run_waits_for_somebody_with_rights(host: Hosted) -> None:
    await host.settings(build_fork_prs=True, approve_strangers=True)
    await host.send(pull("opened"))
    (pipeline,) = await host.pipelines()
    assert pipeline.state is PipelineState.PENDING
    assert pipeline.origin is not None and pipeline.origin.held
    await host.house.restart()
    await host.look()
    assert (await host.pipelines())[0].state is PipelineState.PENDING
    host.api = create_api(host.house.engine, host.house.use, SETTINGS)
    answer = await host.own.post(f"/api/roundel/pipeline/{pipeline.id}/approve")
    assert answer.status == 200, answer
    await host.house.engine.ticks.settled()
    assert (await host.pipelines())[0].state is PipelineState.CREATED
    again = await host.own.post(f"/api/roundel/pipeline/{pipeline.id}/approve")
    assert again.message == "The pipeline does not wait for an approval."
    await host.send(pull("synchronize", after=C))
    assert [it.state for it in await host.pipelines()] == [PipelineState.CREATED] * 2


@pytest.mark.parametrize(("role", "status"), [(None, 404), ("viewer", 403), ("contributor", 200)])
async def test_s3_only_who_has_the_right_approves_a_stranger(
    host: Hosted, role: str | None, status: int
) -> None:
    await host.settings(build_fork_prs=True, approve_strangers=True)
    await host.send(pull("opened"))
    (pipeline,) = await host.pipelines()
    bob = await somebody(host.own, "bob", role)
    assert (await bob.post(f"/api/roundel/pipeline/{pipeline.id}/approve")).status == status
    await host.house.engine.ticks.settled()
    state = PipelineState.CREATED if status == 200 else PipelineState.PENDING
    assert (await host.pipelines())[0].state is state


async def test_s3_a_member_of_the_repository_is_no_stranger(host: Hosted) -> None:
    await host.settings(build_fork_prs=True, approve_strangers=True)
    await host.send(pull("opened", author_association="MEMBER"))
    (pipeline,) = await host.pipelines()
    assert pipeline.state is PipelineState.CREATED
