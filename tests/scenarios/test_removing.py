"""Removing projects and organizations: nothing of them stays, and nothing else goes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.checkout_keys import KeyType
from roundel.domain.clock import DAY
from roundel.domain.deploys import Release
from roundel.domain.projects import Project, Slug
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.fakes import a_chunk, a_report
from tests.scenarios.conftest import House

LARGE = b"x" * 100_000  # an object of its own


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


async def furnish(house: House, client: Client) -> None:
    """Give the project one of everything that the API can give it."""
    project = house.project
    await house.trigger(a_plan("build", "ok?<build"))
    order = await house.runner.claim()
    assert order is not None
    await house.engine.runners.report(order.lease, [a_report()])
    await house.engine.runners.chunk(order.lease, [a_chunk(LARGE)])
    release = Release(component="web", environment="prod", version="1")
    await house.engine.runners.log_release(order.lease, release)
    blob = await house.engine.runners.upload(order.lease, pieces(b"kept"))
    assert await house.engine.runners.keep_cache(order.lease, "deps", blob)
    await house.runner.carry_out(order)
    await house.engine.ticks.tick()
    await house.use.add_checkout_key(project, KeyType.DEPLOY)
    slug, organization = "/api/v2/project/gh/acme/web", project.organization.id
    timetable = {"per-hour": 1, "hours-of-day": [1], "days-of-week": ["MON"]}
    calls = {
        f"{slug}/envvar": {"name": "HIDDEN", "value": "a-secret-value"},
        f"{slug}/schedule": {
            "name": "n",
            "attribution-actor": "current",
            "timetable": timetable,
            "parameters": {"branch": "main"},
        },
        "/api/v2/webhook": {
            "name": "ours",
            "events": ["workflow-completed"],
            "url": "https://example.com",
            "scope": {"id": project.id, "type": "project"},
        },
        f"/api/v2/projects/{project.id}/pipeline-definitions/{project.id}/triggers": {
            "event_source": {"provider": "webhook"}
        },
        "/api/v2/context": {"name": "prod", "owner": {"id": organization, "type": "organization"}},
        f"/api/v2/organizations/{organization}/groups": {"name": "operators"},
        "/api/roundel/project/gh/acme/web/connection": {"provider": "git"},
    }
    for target, body in calls.items():
        answer = await client.post(target, body)
        assert answer.status in (200, 201), (target, answer)


@pytest.fixture
async def client(house: House) -> AsyncIterator[Client]:
    token = (house.folder / "admin-token").read_text().strip()
    client = Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)
    await furnish(house, client)
    yield client


async def all_but_the_log(house: House) -> str:
    """Return all rows, without those of the audit log, which outlives what it tells of."""
    log = {repr(row) for row in await house.rows("SELECT * FROM audit")}
    return "\n".join(line for line in (await house.dump()).split("\n") if line not in log)


async def another(house: House) -> Project:
    slug = Slug.parse("gh/acme/other")
    return await house.use.add_project(slug, "/srv/other.git", None, house.admin)


async def test_of_a_removed_project_nothing_is_left(house: House, client: Client):
    other = await another(house)
    answer = await client.send("DELETE", "/api/v2/project/gh/acme/web")
    assert answer.status == 202, answer
    rows = await all_but_the_log(house)
    assert house.project.id not in rows
    assert other.id in rows
    assert (await client.get("/api/v2/project/gh/acme/web")).status == 404
    assert (await client.get("/api/v2/project/gh/acme/other")).status == 200
    for table in ("pipeline", "workflow", "job", "execution", "step", "chunk", "timer"):
        found = await house.rows(f"SELECT * FROM {table}")  # noqa: S608
        left = [row for row in found if "storage" not in row]
        assert left == [], table


async def test_of_a_removed_organization_nothing_is_left(house: House, client: Client):
    await another(house)
    answer = await client.send("DELETE", "/api/v2/organization/gh/acme")
    assert answer.status == 202, answer
    rows = await all_but_the_log(house)
    assert house.project.organization.id not in rows
    assert house.project.id not in rows
    assert (await client.get("/api/v2/organization/gh/acme")).status == 404


async def test_objects_of_what_was_removed_are_swept(house: House, client: Client):
    kept = house.folder / "blobs"

    def files() -> list[Path]:
        return [path for path in kept.rglob("*") if path.is_file()]

    assert files()
    await client.send("DELETE", "/api/v2/project/gh/acme/web")
    house.clock.forward(DAY)
    await house.engine.ticks.tick()
    await house.engine.ticks.settled()
    assert files() == []
    assert await house.rows("SELECT * FROM doomed") == []


async def test_a_removed_project_can_be_made_again(house: House, client: Client):
    await client.send("DELETE", "/api/v2/project/gh/acme/web")
    house.project = await house.use.add_project(
        Slug.parse("gh/acme/web"), "/srv/web.git", None, house.admin
    )
    pipeline = await house.trigger(a_plan("build"))
    assert pipeline.number == 1


async def test_the_project_of_a_repository_is_made_once(house: House, client: Client):
    for _ in range(2):
        made = await client.post("/api/v2/project/github/acme/fresh", {})
        assert made.status == 201, made
        assert set(made.json()) == {"advanced"}
    assert (await client.get("/api/v2/project/gh/acme/fresh")).status == 200
    standalone = await client.post("/api/v2/project/circleci/acme/fresh", {})
    assert standalone.status in (404, 405)
