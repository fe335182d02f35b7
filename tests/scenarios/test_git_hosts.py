"""Messages of git hosts: each counts once, strangers get nothing, and what was lost is found."""

import gc
from itertools import permutations
from typing import Any

import pytest

from roundel.domain.pipelines import PipelineState
from roundel.services.ingest import KEPT_FOR
from roundel.services.values import pipeline_values
from tests import git_messages as sent
from tests.git_messages import ZERO, A, B, C, Sent
from tests.scenarios.conftest import House
from tests.scenarios.hosted import Hosted, hosted, pull, push


@pytest.fixture
async def host(house: House) -> Hosted:
    return await hosted(house)


async def test_a_push_starts_a_pipeline_on_its_commit(host: Hosted) -> None:
    answer = await host.send(push())
    assert (answer.status, answer.json()["message"]) == (202, "accepted")
    (pipeline,) = await host.pipelines()
    assert pipeline.commit is not None
    assert (pipeline.ref.branch, pipeline.commit.revision) == ("main", B)
    assert pipeline.state is PipelineState.CREATED
    assert (pipeline.trigger.actor_login, pipeline.trigger.actor_id) == ("ada", None)
    assert await host.outcomes() == ["gh/acme/hosted #1"]


@pytest.mark.parametrize("times", [1, 2, 10])
async def test_r12_the_same_message_makes_one_pipeline_however_often_it_comes(
    host: Hosted, times: int
) -> None:
    answers = [(await host.send(push())).json()["message"] for _ in range(times)]
    assert answers == ["accepted", *["received before"] * (times - 1)]
    assert len(await host.pipelines()) == 1


async def test_r12_a_replay_under_another_id_is_known_by_its_body(host: Hosted) -> None:
    await host.send(push())
    again = await host.send(push(id_="another"))
    assert (again.status, again.json()["message"]) == (202, "received before")
    assert len(await host.pipelines()) == 1


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_r12_out_of_order_each_push_has_one_pipeline(
    host: Hosted, order: tuple[int, ...]
) -> None:
    pushes = [push(ZERO, A, "try"), push(A, B, "try"), push(B, C, "try")]
    for number in (*order, *order):
        await host.send(pushes[number])
    made = [it.commit.revision for it in await host.pipelines() if it.commit is not None]
    assert sorted(made) == [A, B, C]


async def test_r12_a_lost_message_is_found_within_five_minutes(house: House) -> None:
    repositories = house.repositories
    repositories.found_heads = {"refs/heads/main": A}
    host = await hosted(house)
    await host.look()
    assert await host.pipelines() == []  # what was there before starts nothing
    repositories.found_heads = {"refs/heads/main": B, "refs/tags/v1": B}
    repositories.tags = {"v1"}
    await host.look()
    main, tag = await host.pipelines()
    assert main.commit is not None
    assert (main.ref.branch, main.commit.revision, tag.ref.tag) == ("main", B, "v1")
    await host.look()
    late = await host.send(push(A, B))
    assert late.status == 202
    assert len(await host.pipelines()) == 2
    assert await host.outcomes() == ["ignored: refs/heads/main was there already"]


async def test_r12_a_replay_long_after_is_known_by_its_branch(host: Hosted) -> None:
    await host.send(push())
    host.house.clock.forward(KEPT_FOR + 1)
    await host.send(push(B, C))  # with which the first message is forgotten
    again = await host.send(push())
    assert (again.status, again.json()["message"]) == (202, "accepted")
    assert len(await host.pipelines()) == 2
    assert (await host.outcomes())[-1] == "ignored: refs/heads/main was there already"


async def test_a_message_that_was_kept_is_acted_upon_after_a_crash(host: Hosted) -> None:
    house = host.house
    headers, raw = push()
    receipt = await house.use.git.receive(host.connection, headers, raw)  # type: ignore[arg-type]
    assert receipt is not None
    await house.restart()
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()
    assert len(await host.pipelines()) == 1


async def test_a_message_that_comes_as_the_server_ends_is_acted_upon_later(host: Hosted) -> None:
    house = host.house
    headers, raw = push()
    await house.use.git.receive(host.connection, headers, raw)  # type: ignore[arg-type]
    await house.engine.ticks._end_tasks()  # in the very turn in which its task was made
    gc.collect()  # work that never began would be told of here
    await house.restart()
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()
    assert len(await host.pipelines()) == 1


async def test_s7_a_message_with_a_wrong_signature_is_refused_and_not_kept(host: Hosted) -> None:
    headers, raw = push()
    forged = {**headers, "x-hub-signature-256": f"sha256={'0' * 64}"}
    for message in ((forged, raw), ({}, raw), (headers, raw + b" ")):
        answer = await host.send(message)
        assert answer.status == 401
        assert answer.message == "The message is not signed with this connection's secret."
    assert await host.outcomes() == []
    assert await host.pipelines() == []


async def test_s7_no_secret_of_a_connection_is_in_the_database_or_an_answer(host: Hosted) -> None:
    token = "ghp_this-must-not-be-seen"
    answer = await host.own.post(
        "/api/roundel/project/gh/acme/hosted/connection", {"provider": "github", "token": token}
    )
    secret = answer.json()["webhook_secret"]
    listed = await host.own.get("/api/roundel/organization/gh/acme/connection")
    kept = await host.house.dump() + listed.body.decode()
    assert token not in kept
    assert secret not in kept
    assert sent.SECRET not in kept


async def test_a_connection_that_is_not_there_is_answered_like_any_unknown_thing(
    host: Hosted,
) -> None:
    host.connection = "018e2d5f-0000-7000-8000-00000000ffff"
    assert (await host.send(push())).status == 404


@pytest.mark.parametrize(
    ("event", "body", "reason"),
    [
        ("ping", {"zen": "Speak like a human."}, "a ping starts nothing; the connection works"),
        ("star", {}, "Roundel does not listen to star events"),
        ("", {}, "the message does not name its event"),
    ],
)
async def test_an_event_that_starts_nothing_is_answered_and_the_reason_told(
    host: Hosted, event: str, body: dict[str, Any], reason: str
) -> None:
    answer = await host.send(sent.github(event, body))
    assert (answer.status, answer.json()["message"]) == (202, f"ignored: {reason}")
    assert await host.outcomes() == [f"ignored: {reason}"]


async def test_a_body_that_is_not_json_is_a_bad_request(host: Hosted) -> None:
    raw = b"not json"
    headers = {"x-hub-signature-256": f"sha256={sent.signed(sent.SECRET, raw)}"}
    answer = await host.send((headers, raw))
    assert (answer.status, answer.message) == (400, "The body is not JSON.")


async def test_another_repository_starts_nothing_in_a_project(host: Hosted) -> None:
    body = sent.github_push()
    body["repository"] = {
        **sent.GITHUB_REPOSITORY,
        "id": 5,
        "name": "other",
        "clone_url": "https://github.com/acme/other.git",
        "ssh_url": "git@github.com:acme/other.git",
        "html_url": "https://github.com/acme/other",
    }
    await host.send(sent.github("push", body))
    assert await host.pipelines() == []
    (outcome,) = await host.outcomes()
    assert outcome.startswith("ignored: the message is about acme/other")


async def test_a_repository_is_known_under_its_new_name(house: House) -> None:
    host = await hosted(house, whole_organization=True)
    await host.send(push(A, B))
    body = sent.github_push(before=B, after=C)
    body["repository"] = {
        **sent.GITHUB_REPOSITORY,
        "name": "renamed",
        "clone_url": "https://github.com/acme/renamed.git",
        "ssh_url": "git@github.com:acme/renamed.git",
        "html_url": "https://github.com/acme/renamed",
    }
    await host.send(sent.github("push", body, id_="renamed"))
    assert len(await host.pipelines()) == 2


@pytest.mark.parametrize("marker", ["[skip ci]", "[ci skip]"])
async def test_a_commit_or_a_title_may_ask_for_no_pipeline(host: Hosted, marker: str) -> None:
    body = sent.github_push(message=f"Words only {marker}")
    await host.send(sent.github("push", body))
    await host.settings(build_prs_only=True, build_fork_prs=True)
    await host.send(pull("opened", fork=False, title=f"Words only {marker}"))
    assert await host.pipelines() == []
    await host.send(pull("opened", title=f"A fork has no say {marker}"))
    assert len(await host.pipelines()) == 1


async def test_only_branches_with_a_pull_request_are_built_where_the_project_says_so(
    host: Hosted,
) -> None:
    await host.settings(build_prs_only=True)
    await host.send(push(ZERO, A, "try"))
    await host.send(push(A, B, "main"))
    assert [it.ref.branch for it in await host.pipelines()] == ["main"]
    await host.send(pull("opened", fork=False, after=A))
    await host.send(push(A, C, "try"))
    assert [it.ref.branch for it in await host.pipelines()] == ["main", "try", "try"]


async def test_a_push_to_a_branch_knows_its_open_pull_request(host: Hosted) -> None:
    await host.send(pull("opened", fork=False))
    await host.send(push(A, C, "try"))
    order = await host.house.runner.claim()
    assert order is not None
    assert order.environment["CIRCLE_PULL_REQUEST"] == "https://github.com/acme/web/pull/7"
    assert "CIRCLE_PR_NUMBER" not in order.environment


async def test_a_new_push_cancels_what_the_branch_was_at(host: Hosted) -> None:
    await host.settings(autocancel_builds=True)
    await host.send(push(ZERO, A, "try"))
    await host.send(push(A, B, "try"))
    first, second = await host.pipelines()
    assert (await host.house.statuses(first))[0] == "canceled"
    assert (await host.house.statuses(second))[0] == "running"


async def test_a_config_knows_the_event_that_it_runs_for(host: Hosted) -> None:
    await host.send(push(A, B, "try"))
    (pipeline,) = await host.pipelines()
    assert pipeline.commit is not None
    values = pipeline_values(pipeline, host.project, pipeline.commit, "x")
    wanted = {
        "pipeline.event.name": "push",
        "pipeline.event.action": "push",
        "pipeline.trigger_source": "webhook",
        "pipeline.integration_source": "github_app",
        "pipeline.git.base_revision": A,
        "pipeline.git.revision": B,
        "pipeline.git.branch": "try",
        "pipeline.git.repo_id": 186853002,
        "pipeline.git.repo_url": "https://github.com/acme/web",
        "pipeline.git.ssh_checkout_url": "git@github.com:acme/web.git",
        "pipeline.git.commit.url": f"https://github.com/acme/web/commit/{B}",
        "pipeline.git.commit.author_login": "ada-at-github",
        "pipeline.event.github.sender.login": "ada",
        "pipeline.event.github.ref": "refs/heads/try",
        "pipeline.trigger_parameters.github_app.commit_title": "Change it",
        "pipeline.trigger_parameters.github_app.branch": "try",
    }
    assert {name: values.get(name) for name in wanted} == wanted


async def test_a_config_knows_the_pull_request_that_it_runs_for(host: Hosted) -> None:
    await host.settings(build_fork_prs=True)
    await host.send(pull("opened"))
    (pipeline,) = await host.pipelines()
    assert pipeline.commit is not None
    values = pipeline_values(pipeline, host.project, pipeline.commit, "x")
    prefix = "pipeline.event.github.pull_request."
    wanted = {
        "pipeline.event.name": "pull_request",
        "pipeline.event.action": "opened",
        "pipeline.event.context.github.pr_url": "https://github.com/acme/web/pull/7",
        "pipeline.git.base_revision": A,
        f"{prefix}number": 7,
        f"{prefix}title": "Try it",
        f"{prefix}merged": False,
        f"{prefix}draft": False,
        f"{prefix}head.ref": "try",
        f"{prefix}head.sha": B,
        f"{prefix}base.ref": "main",
    }
    assert {name: values.get(name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("repository", "outcome"),
    [
        ("https://git.example/scm/acme/web.git", "gh/acme/hosted #1"),
        ("ssh://git@git.example:7999/acme/web.git", "gh/acme/hosted #1"),
        ("https://elsewhere.example/scm/acme/web.git", "ignored: "),
        ("https://git.example/scm/acme/other.git", "ignored: "),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
async def test_data_center_may_name_a_repository_without_its_addresses(
    house: House, repository: str, outcome: str, whole: bool
) -> None:
    host = await hosted(house, "bitbucket-dc", repository=repository, whole_organization=whole)
    body = sent.dc_push()
    # As in the examples of its description.
    body["repository"] = {it: body["repository"][it] for it in ("id", "slug", "project")}
    await host.send(sent.bitbucket_dc("repo:refs_changed", body))
    (said,) = await host.outcomes()
    assert said.startswith(outcome)


@pytest.mark.parametrize(
    ("provider", "repository", "message"),
    [
        ("gitlab", "git@gitlab.com:acme/tools/web.git", sent.gitlab(sent.gitlab_push())),
        (
            "bitbucket",
            "git@bitbucket.org:acme/web.git",
            sent.bitbucket("repo:push", sent.bitbucket_push(sent.bitbucket_change())),
        ),
        (
            "bitbucket-dc",
            "ssh://git@git.example:7999/acme/web.git",
            sent.bitbucket_dc("repo:refs_changed", sent.dc_push()),
        ),
        ("gitea", "https://github.com/acme/web", sent.gitea("push", sent.github_push())),
    ],
)
async def test_each_kind_of_host_starts_pipelines(
    house: House, provider: str, repository: str, message: Sent
) -> None:
    host = await hosted(house, provider, repository=repository)
    await host.send(message)
    (pipeline,) = await host.pipelines()
    assert pipeline.commit is not None
    assert (pipeline.ref.branch, pipeline.commit.revision) == ("main", B)
    assert pipeline.state is PipelineState.CREATED
