"""Pull requests of forks at Bitbucket's cloud, whose commits only the fork's repository has."""

import pytest

from roundel.domain.pipelines import PipelineState, Ref
from roundel.domain.repositories import Trouble, TroubleKind
from tests import git_messages as sent
from tests.fakes import REVISION
from tests.git_messages import Sent
from tests.scenarios.conftest import House
from tests.scenarios.hosted import Hosted, hosted

FORK = "https://bitbucket.org/mallory/web"


def pull(event: str = "pullrequest:created", *, revision: str = REVISION) -> Sent:
    body = sent.bitbucket_pull(fork=True, revision=revision)
    return sent.bitbucket(event, body, id_=f"{event}-{revision}")


@pytest.fixture
async def host(house: House) -> Hosted:
    house.repositories.branches.add("try")
    url = "https://bitbucket.org/acme/web.git"
    made = await hosted(house, "bitbucket", repository=url, token="opens-all-of-acme")
    await made.settings(build_fork_prs=True)
    return made


async def test_the_forks_commit_is_read_and_checked_out_from_the_fork(host: Hosted) -> None:
    await host.send(pull())
    assert await host.outcomes() == ["gh/acme/hosted #1"]
    (pipeline,) = await host.pipelines()
    assert pipeline.state is PipelineState.CREATED
    assert pipeline.commit is not None
    assert (pipeline.ref.branch, pipeline.commit.revision) == ("pull/7/head", REVISION)
    repositories = host.house.repositories
    assert repositories.asked == [(FORK, Ref(branch="try"), None)]
    order = await host.house.runner.claim()
    assert order is not None and order.checkout is not None
    assert (order.checkout.repository_url, order.checkout.revision) == (FORK, REVISION)
    assert order.environment["CIRCLE_BRANCH"] == "pull/7"
    assert order.environment["CIRCLE_PR_REPONAME"] == "web"
    assert order.environment["CIRCLE_PR_USERNAME"] == "mallory"


@pytest.mark.parametrize("trusted", [False, True])
async def test_s3_nothing_that_opens_our_repository_goes_to_the_fork(
    host: Hosted, trusted: bool
) -> None:
    await host.settings(forks_receive_secret_env_vars=trusted)
    answer = await host.own.post(
        "/api/v2/project/gh/acme/hosted/checkout-key", {"type": "deploy-key"}
    )
    assert answer.status == 201
    await host.house.use.secrets.put_project_variable(host.project, "DEPLOY_KEY", "s3cret-value")
    await host.send(pull())
    reached = [it for it in host.house.repositories.reached if it[0] == FORK]
    assert reached == [(FORK, None)] * 2
    order = await host.house.runner.claim()
    assert order is not None and order.checkout is not None
    assert order.checkout.secrets == ()
    assert ("DEPLOY_KEY" in order.environment) is trusted


async def test_a_commit_that_the_host_did_not_tell_of_is_not_built(host: Hosted) -> None:
    await host.send(pull(revision="b" * 40))
    assert await host.pipelines() == []
    (outcome,) = await host.outcomes()
    assert outcome == "ignored: the fork's branch try has moved on, of which a message will tell"
    host.house.repositories.branches.remove("try")
    await host.send(pull("pullrequest:updated"))
    assert (await host.outcomes())[1] == "ignored: the fork has no branch try any more"


async def test_a_fork_that_cannot_be_read_makes_an_errored_pipeline(host: Hosted) -> None:
    class Private:
        async def __call__(self, url: str, ref: Ref, access: object = None) -> Trouble:
            return Trouble(kind=TroubleKind.UNREACHABLE, message=f"{url} could not be read")

    host.house.repositories.resolve = Private()  # type: ignore[method-assign]
    await host.send(pull())
    (pipeline,) = await host.pipelines()
    assert pipeline.state is PipelineState.ERRORED
    assert [it.message for it in pipeline.errors] == [f"{FORK} could not be read"]


async def test_s3_a_strangers_fork_waits_and_then_the_commit_that_was_told_is_built(
    host: Hosted,
) -> None:
    await host.settings(approve_strangers=True)
    await host.send(pull())
    (pipeline,) = await host.pipelines()
    assert pipeline.state is PipelineState.PENDING
    answer = await host.own.post(f"/api/roundel/pipeline/{pipeline.id}/approve")
    assert answer.status == 200, answer
    await host.house.engine.ticks.settled()
    (pipeline,) = await host.pipelines()
    assert pipeline.state is PipelineState.CREATED
    assert pipeline.commit is not None and pipeline.commit.revision == REVISION
    assert host.house.repositories.asked == [(FORK, Ref(branch="try"), None)]
