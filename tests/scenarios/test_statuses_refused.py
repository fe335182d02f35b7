"""Statuses that a host does not take: sent again later, when it says, or given up."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from roundel.domain.clock import MINUTE, SECOND
from roundel.domain.projects import Slug
from tests import git_messages as sent
from tests.recording_host import RecordingHost, recording_host
from tests.scenarios.conftest import House
from tests.scenarios.hosted import Hosted, hosted

OTHER = "https://github.com/acme/deploy.git"


@pytest.fixture
def api() -> Iterator[RecordingHost]:
    with recording_host() as started:
        yield started


@pytest.fixture
async def host(
    tmp_path: Path, database_url: str | None, api: RecordingHost
) -> AsyncIterator[Hosted]:
    """A project of a host whose API is the recording one."""
    house = House(tmp_path / "data", database_url, allow_private_addresses=True)
    await house.open()
    yield await hosted(house, api_url=api.url, token="ghp_of-web")
    await house.engine.stop()


async def push(host: Hosted) -> None:
    """Have the host tell of a push, and be told what comes of it."""
    await host.send(sent.github("push", sent.github_push()))
    await after(host, 0)


async def after(host: Hosted, micros: int) -> None:
    host.house.clock.forward(micros)
    await host.house.engine.ticks.tick()
    await host.house.engine.ticks.settled()


def statuses(api: RecordingHost) -> list[tuple[str, str]]:
    """What was told of which repository, in order."""
    found = [it for it in api.asked if "/statuses/" in it.path]
    return [(it.path.split("/statuses/")[0], it.body["context"]) for it in found]


async def test_a_host_that_fails_is_told_again_later_and_later(
    host: Hosted, api: RecordingHost
) -> None:
    api.refusals = [(503, {}), (503, {})]
    await push(host)
    assert len(statuses(api)) == 1  # what else there is to tell waits with the first
    await after(host, 9 * SECOND)
    assert len(statuses(api)) == 1
    await after(host, 2 * SECOND)
    assert len(statuses(api)) == 2
    await after(host, 58 * SECOND)
    assert len(statuses(api)) == 2
    await after(host, 3 * SECOND)
    told = statuses(api)
    assert {context for _, context in told[2:]} == {"ci/circleci: build", "main"}
    await after(host, MINUTE)
    assert statuses(api) == told


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "300"}, 300),
        (403, {"Retry-After": "120"}, 120),
        (403, {"X-RateLimit-Remaining": "0"}, 60),
        (503, {"Retry-After": "1"}, 10),  # our own pause is the least
        (503, {"Retry-After": "soon"}, 10),
    ],
)
async def test_a_host_that_names_a_time_is_left_alone_for_so_long(
    host: Hosted, api: RecordingHost, status: int, headers: dict[str, str], seconds: int
) -> None:
    api.refusals = [(status, headers)]
    await push(host)
    await after(host, (seconds - 2) * SECOND)
    assert len(statuses(api)) == 1
    await after(host, 3 * SECOND)
    assert len(statuses(api)) > 1


async def test_a_host_that_says_no_is_not_asked_the_same_again(
    host: Hosted, api: RecordingHost
) -> None:
    api.refusals = [(422, {}), (404, {})]
    await push(host)
    told = statuses(api)
    assert len(told) == 2
    await after(host, 24 * 60 * MINUTE)
    assert statuses(api) == told


async def test_statuses_are_shown_where_the_commit_is_that_is_checked_out(
    host: Hosted, api: RecordingHost
) -> None:
    other = await host.house.use.add_project(
        Slug.parse("gh/acme/deploy"), OTHER, None, host.house.admin
    )
    connection = {"provider": "github", "webhook_secret": sent.SECRET, "api_url": api.url}
    made = await host.own.post(
        "/api/roundel/project/gh/acme/deploy/connection", {**connection, "token": "ghp_d"}
    )
    first, host.connection = host.connection, made.json()["id"]
    deploy = {**sent.GITHUB_REPOSITORY, "id": 78, "name": "deploy", "full_name": "acme/deploy"}
    body = sent.github_push(after=sent.C, repository={**deploy, "clone_url": OTHER})
    await host.send(sent.github("push", body, id_="of-deploy"))
    path = f"/api/v2/projects/{host.project.id}/pipeline-definitions"
    own = {"provider": "github_app", "repo": {"external_id": host.project.id}}
    theirs = {"provider": "github_app", "repo": {"external_id": other.id}}
    defined = await host.own.post(
        path,
        {
            "name": "deploy",
            "description": "",
            "config_source": {**own, "file_path": "ci/deploy.yml"},
            "checkout_source": theirs,
        },
    )
    assert defined.status == 200, defined
    listening = {"event_source": own, "event_preset": "all-pushes"}
    trigger = await host.own.post(f"{path}/{defined.json()['id']}/triggers", listening)
    assert trigger.status == 200, trigger
    host.connection = first
    api.asked.clear()
    await push(host)
    assert {repository for repository, _ in statuses(api)} == {"/repos/acme/deploy"}
