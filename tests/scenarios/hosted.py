"""A house whose projects are connected to git hosts: messages in, pipelines out."""

from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.pipelines import Pipeline
from roundel.domain.projects import Project, Slug
from tests import git_messages as sent
from tests.api.client import Answer, Client
from tests.api.conftest import SETTINGS
from tests.git_messages import SECRET, A, B, Sent
from tests.scenarios.conftest import House

GITHUB_WEB = "https://github.com/acme/web.git"


@dataclass
class Hosted:
    """One project of a host, its connection, and the API that the host posts to."""

    house: House
    api: ASGIApp
    connection: str
    project: Project

    @property
    def own(self) -> Client:
        return Client(self.api, (self.house.folder / "admin-token").read_text().strip())

    async def send(self, message: Sent) -> Answer:
        """Post a message as the host does, and wait until it was acted upon."""
        headers, raw = message
        answer = await Client(self.api).send(
            "POST", f"/api/roundel/git/{self.connection}", raw, headers
        )
        await self.house.engine.ticks.settled()
        return answer

    async def look(self) -> None:
        """Let enough time go by that repositories are looked at, and do it."""
        self.house.clock.forward(5 * 60 * 1_000_000)
        await self.house.engine.ticks.tick()
        await self.house.engine.ticks.settled()

    async def pipelines(self) -> list[Pipeline]:
        """All pipelines of the project, oldest first."""
        rows = await self.house.rows(
            f"SELECT id FROM pipeline WHERE project_id = '{self.project.id}' ORDER BY number"  # noqa: S608
        )
        return [await self.house.pipeline(row[0]) for row in rows]

    async def outcomes(self) -> list[str]:
        """What became of each message, oldest first."""
        answer = await self.own.get(f"/api/roundel/git/{self.connection}/messages")
        return [it["outcome"] for it in reversed(answer.json()["items"])]

    async def settings(self, **changes: Any) -> None:
        await self.house.use.change_project_settings(self.project, changes, self.house.admin)


async def hosted(
    house: House,
    provider: str = "github",
    *,
    repository: str = GITHUB_WEB,
    slug: str = "gh/acme/hosted",
    whole_organization: bool = False,
    **connection: str,
) -> Hosted:
    """Connect a project of a host; `connection` is what else is said of it."""
    house.repositories.local = repository.startswith("/")
    project = await house.use.add_project(Slug.parse(slug), repository, None, house.admin)
    api = create_api(house.engine, UseCases(house.engine), SETTINGS)
    made = Hosted(house, api, "", project)
    target = "organization/gh/acme" if whole_organization else f"project/{slug}"
    body = {"provider": provider, "webhook_secret": SECRET, **connection}
    if provider in ("gitea", "bitbucket-dc"):
        body.setdefault("api_url", "https://git.example")
    answer = await made.own.post(f"/api/roundel/{target}/connection", body)
    assert answer.status == 201, answer
    made.connection = answer.json()["id"]
    return made


def push(before: str = A, after: str = B, branch: str = "main", **more: Any) -> Sent:
    body = sent.github_push(f"refs/heads/{branch}", before, after)
    return sent.github("push", body, **{"id_": f"{branch}-{before[:4]}-{after[:4]}", **more})


def pull(action: str = "opened", *, fork: bool = True, **facts: Any) -> Sent:
    body = sent.github_pull(action, fork=fork, **facts)
    return sent.github("pull_request", body, id_=f"{action}-{facts}")
