"""Answers of a whole server held against the published v2 document."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.api.test_published_schema import validator
from tests.scenarios.conftest import House

pytestmark = pytest.mark.spec


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "data")
    await house.open()
    yield house
    await house.engine.stop()


async def test_webhooks_and_insights_are_as_published(house: House):
    api = create_api(house.engine, UseCases(house.engine), SETTINGS)
    client = Client(api, (house.folder / "admin-token").read_text().strip())
    await house.trigger()
    await house.runner.run_all()
    await house.engine.ticks.tick()
    hook = await client.post(
        "/api/v2/webhook",
        {
            "name": "ours",
            "events": ["workflow-completed"],
            "url": "https://example.com",
            "verify-tls": False,
            "signing-secret": "secret",
            "scope": {"id": house.project.id, "type": "project"},
        },
    )
    validator("post", "/webhook", "201").validate(hook.json())
    slug, one = "gh/acme/web", hook.json()["id"]
    for key, target in {
        "/webhook": f"/webhook?scope-id={house.project.id}&scope-type=project",
        "/webhook/{webhook-id}": f"/webhook/{one}",
        **{
            f"/insights/{{project-slug}}{rest}": f"/insights/{slug}{rest}"
            for rest in ("/workflows", "/branches", "/flaky-tests")
        },
        **{
            f"/insights/{{project-slug}}/workflows/{{workflow-name}}{rest}": (
                f"/insights/{slug}/workflows/main{rest}"
            )
            for rest in ("", "/jobs", "/summary", "/test-metrics")
        },
        "/insights/pages/{project-slug}/summary": f"/insights/pages/{slug}/summary",
        "/insights/{org-slug}/summary": "/insights/gh/acme/summary",
        "/insights/time-series/{project-slug}/workflows/{workflow-name}/jobs": (
            f"/insights/time-series/{slug}/workflows/main/jobs"
        ),
    }.items():
        answer = await client.get(f"/api/v2{target}")
        assert answer.status == 200, answer
        validator("get", key, "200").validate(answer.json())
    changed = await client.send("PUT", f"/api/v2/webhook/{one}", b'{"name": "new"}')
    validator("put", "/webhook/{webhook-id}", "200").validate(changed.json())
    removed = await client.send("DELETE", f"/api/v2/webhook/{one}")
    validator("delete", "/webhook/{webhook-id}", "200").validate(removed.json())
