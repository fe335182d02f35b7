"""A world with two organisations, and clients for those who live in it."""

from dataclasses import dataclass

import pytest
from starlette.types import ASGIApp

from roundel.api.app import create_api
from roundel.api.ports import ApiSettings
from roundel.domain.access import Actor, Role
from roundel.domain.jobs import Job, JobStatus
from roundel.domain.pipelines import Pipeline
from roundel.domain.plan import JobType
from roundel.domain.projects import Project
from roundel.domain.views import PipelineConfig
from roundel.domain.workflows import Workflow
from tests.api.client import Client
from tests.api.world import World

SETTINGS = ApiSettings(signing_key=b"k" * 32, max_body_bytes=128 * 1024)


@dataclass
class Town:
    """gh/acme/web with one pipeline that ran, and the people around it."""

    world: World
    api: ASGIApp
    ada: Actor  # contributor of acme
    project: Project
    pipeline: Pipeline
    workflow: Workflow
    build: Job
    approval: Job

    def client(self, who: str | None = "ada") -> Client:
        return Client(self.api, who)


@pytest.fixture
def town() -> Town:
    world = World()
    acme = world.organization("acme")
    world.organization("globex")
    ada = world.person("ada", "ada", acme=Role.CONTRIBUTOR)
    world.person("vic", "vic", acme=Role.VIEWER)
    world.person("eve", "eve", globex=Role.ADMINISTRATOR)
    project = world.project(acme, "web")
    pipeline = world.pipeline(project, by=ada, parameters={"deep": True, "count": 3})
    world.configs[pipeline.id] = PipelineConfig(source="version: 2.1\n", compiled="version: 2\n")
    workflow = world.workflow(project, pipeline)
    build = world.job(workflow, "build", number=1)
    approval = world.job(
        workflow, "hold", status=JobStatus.ON_HOLD, kind=JobType.APPROVAL, requires=["build"]
    )
    world.job(workflow, "deploy", status=JobStatus.BLOCKED, requires=["hold"])
    api = create_api(world, world, SETTINGS)
    return Town(world, api, ada, project, pipeline, workflow, build, approval)


@pytest.fixture
def client(town: Town) -> Client:
    return town.client()
