"""A whole server with its pages, and visitors for those who live in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from roundel.app.doors import create_doors
from roundel.domain.access import Role
from roundel.domain.ids import OrganizationId, PersonId
from roundel.domain.projects import Slug
from roundel.vault.tokens import digest_of
from tests.scenarios.conftest import House
from tests.web.visitor import Visitor


@dataclass
class Street:
    """A house with its doors open."""

    house: House
    doors: ASGIApp

    @property
    def admin_token(self) -> str:
        return (self.house.folder / "admin-token").read_text().strip()

    async def token(self, login: str, **roles: Role) -> str:
        """Make somebody with roles in organizations, each named as a keyword; return a token."""
        made = await self.house.use.create_token(login, None, self.house.admin)
        actor = await self.house.engine.reads.actor(digest_of(made.text))
        assert actor is not None
        for name, role in roles.items():
            await self._give(name, actor.id, role)
        return made.text

    async def _give(self, name: str, person: PersonId, role: Role) -> None:
        slug = Slug.parse(f"gh/{name}/own")
        house = self.house
        organization = await house.engine.reads.organization(slug.vcs, name)
        if organization is None:
            project = await house.use.add_project(slug, "/srv/own.git", None, house.admin)
            organization = project.organization
        id_: OrganizationId = organization.id
        await house.engine.database.write(lambda tx: tx.people.give_role(id_, person, role))

    async def visitor(self, token: str | None = None) -> Visitor:
        """Return a browser that is signed in, as the administrator unless said otherwise."""
        visitor = Visitor(self.doors)
        answer = await visitor.sign_in(token or self.admin_token)
        assert answer.status == 303, answer
        return visitor

    def stranger(self) -> Visitor:
        return Visitor(self.doors)


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    async with opened_street(tmp_path / "data", None) as street:
        yield street


@asynccontextmanager
async def opened_street(folder: Path, database_url: str | None) -> AsyncIterator[Street]:
    house = House(folder, database_url)
    await house.open()
    try:
        yield Street(house, create_doors(house.engine))
    finally:
        await house.engine.stop()
