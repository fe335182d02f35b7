"""Where pipeline definitions and triggers are tried: over the API, on the real store."""

import json
from typing import Any

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.projects import Project, Slug
from tests.api.client import Answer, Client
from tests.api.conftest import SETTINGS
from tests.scenarios.conftest import House

JSON = {"content_type": "application/json"}


class Place:
    """A server with two projects of one organization, and a client of its administrator."""

    def __init__(self, house: House, client: Client, infra: Project) -> None:
        self.house = house
        self.client = client
        self.infra = infra
        self.web = house.project

    @property
    def definitions(self) -> str:
        return f"/api/v2/projects/{self.web.id}/pipeline-definitions"

    def body(self, **changes: Any) -> dict[str, Any]:
        return {
            "name": "deploy",
            "description": "to production",
            "config_source": {
                "provider": "github_app",
                "repo": {"external_id": self.infra.id},
                "file_path": "ci/deploy.yml",
            },
            "checkout_source": {"provider": "github_app", "repo": {"external_id": self.web.id}},
            **changes,
        }

    async def make(self, **changes: Any) -> dict[str, Any]:
        made = await self.client.post(self.definitions, self.body(**changes))
        assert made.status == 200, made
        shown: dict[str, Any] = made.json()
        return shown

    async def send(self, method: str, target: str, body: Any = None) -> Answer:
        raw = b"" if body is None else json.dumps(body).encode()
        return await self.client.send(method, target, raw, JSON)

    async def webhook(self, definition: str, **changes: Any) -> dict[str, Any]:
        body = {"event_source": {"provider": "webhook", "webhook": {"sender": "shop"}}, **changes}
        made = await self.client.post(f"{self.definitions}/{definition}/triggers", body)
        assert made.status == 200, made
        shown: dict[str, Any] = made.json()
        return shown


def path_of(trigger: dict[str, Any]) -> str:
    url: str = trigger["event_source"]["webhook"]["url"]
    return url[url.index("/api/") :]


async def a_place(house: House) -> Place:
    token = (house.folder / "admin-token").read_text().strip()
    client = Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token)
    infra = await house.use.add_project(
        Slug.parse("gh/acme/infra"), "/srv/infra.git", "trunk", house.admin
    )
    return Place(house, client, infra)
