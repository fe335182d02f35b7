"""A whole server on a real database, with a fake repository, compiler, clock and runner."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from roundel.app import Adapters, Engine, UseCases, build
from roundel.domain.access import Actor
from roundel.domain.ids import PipelineId, WorkflowId
from roundel.domain.jobs import Job
from roundel.domain.pipelines import Pipeline, Ref
from roundel.domain.plan import Json, Plan
from roundel.domain.projects import Project, Slug
from roundel.domain.workflows import Workflow
from roundel.settings import Settings
from roundel.vault.tokens import digest_of
from tests.builders import a_plan
from tests.fakes import FakeClock, FakeCompiler, FakeRepositories, ScriptedRunner
from tests.waiting import until


class House:
    """One server with its surroundings, and short ways to look at it."""

    def __init__(self, folder: Path, database_url: str | None = None, **settings: Any) -> None:
        self.folder = folder
        self.database_url = database_url
        self.settings = settings
        self.clock = FakeClock()
        self.repositories = FakeRepositories()
        self.compiler = FakeCompiler(a_plan("build"))
        self.project: Project
        self.admin: Actor
        self.engine = self._build()

    def _build(self) -> Engine:
        adapters = Adapters(
            clock=self.clock, repositories=self.repositories, compiler=self.compiler
        )
        settings = Settings(
            data=self.folder, run_jobs=False, database_url=self.database_url, **self.settings
        )
        self.engine = build(settings, adapters)
        self.use = UseCases(self.engine)
        self.runner = ScriptedRunner(self.engine.runners)
        return self.engine

    async def open(self) -> None:
        """Start as at the first time: sign in as the administrator and add a project."""
        await self.engine.start()
        token = (self.folder / "admin-token").read_text().strip()
        admin = await self.engine.reads.actor(digest_of(token))
        assert admin is not None
        self.admin = admin
        slug = Slug.parse("gh/acme/web")
        self.project = await self.use.add_project(slug, "/srv/web.git", None, admin)

    async def restart(self) -> None:
        """End the server and start another on the same folder."""
        await self.engine.stop()
        self._build()
        await self.engine.start()

    async def trigger(
        self,
        plan: Plan | None = None,
        *,
        ref: Ref | None = None,
        parameters: Mapping[str, Json] | None = None,
    ) -> Pipeline:
        """Trigger a pipeline and wait until it has been compiled."""
        if plan is not None:
            self.compiler.plan = plan
        pipeline = await self.use.trigger_pipeline(
            self.project, ref or Ref(), parameters or {}, self.admin
        )
        assert pipeline is not None, "the commit asks for no pipeline"
        await self.engine.ticks.settled()
        return pipeline

    @asynccontextmanager
    async def unwatched(self) -> AsyncIterator[None]:
        """Keep the server from what it does by the clock, so that leases outlast a turn of it."""
        async with self.engine.ticks._ticking:
            yield

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the database itself."""
        return await self.engine.database.read(lambda sql: sql.all(statement))  # type: ignore[attr-defined]

    async def damage(self, statement: str) -> None:
        """Change the database behind the server's back."""
        await self.engine.database.write(lambda tx: tx.jobs._sql.run(statement))  # type: ignore[attr-defined]

    async def dump(self) -> str:
        """Return all rows of all tables, once the server has done what it begins with."""

        async def begun() -> bool:
            return self.engine.signer is None or bool(await self.rows("SELECT 1 FROM signing_key"))

        await until(begun)
        tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
        if self.database_url is not None:
            tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        found = []
        for (name,) in await self.rows(tables):
            found += await self.rows(f"SELECT * FROM {name}")  # noqa: S608  # our own names
        return "\n".join(map(repr, found))

    async def pipeline(self, pipeline_id: PipelineId) -> Pipeline:
        view = await self.engine.reads.pipeline(pipeline_id)
        assert view is not None
        return view.pipeline

    async def workflow(self, pipeline: Pipeline) -> Workflow:
        """Return the pipeline's first workflow."""
        return (await self.engine.reads.workflows(pipeline.id))[0].workflow

    async def jobs(self, workflow: WorkflowId) -> dict[str, Job]:
        return {view.job.name: view.job for view in await self.engine.reads.slots(workflow)}

    async def statuses(self, pipeline: Pipeline) -> tuple[str, dict[str, str]]:
        """Return what the first workflow and its jobs are called now."""
        workflow = await self.workflow(pipeline)
        jobs = await self.jobs(workflow.id)
        return workflow.status.value, {name: job.status.value for name, job in jobs.items()}


@pytest.fixture
async def house(tmp_path: Path, database_url: str | None) -> AsyncIterator[House]:
    house = House(tmp_path / "data", database_url)
    await house.open()
    yield house
    await house.engine.stop()
