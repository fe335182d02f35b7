"""What a config may know of its pipeline; and an older spelling of the list of pipelines."""

from roundel.api.operations import PAGE_TOKEN, AnyOperation, Call, Operation, Query
from roundel.api.schemas.common import Page
from roundel.api.schemas.pipelines import PipelineShown
from roundel.api.subjects import PIPELINE, PROJECT
from roundel.api.v2.pipelines import mine_of_project, of_project
from roundel.api.written import Written
from roundel.domain.access import Need
from roundel.domain.errors import NotFound
from roundel.domain.pipelines import Commit
from roundel.domain.projects import Project
from roundel.domain.views import PipelineView
from roundel.services.values import pipeline_values

CONFIG_FILE = ".circleci/config.yml"

Values = dict[str, str | int | bool]


async def values(call: Call[PipelineView, None]) -> Values:
    pipeline = call.subject.pipeline
    project = await call.app.reads.project_by_id(pipeline.project_id)
    if project is None:
        raise NotFound("Pipeline not found")
    commit = pipeline.commit or Commit(revision="")
    found = pipeline_values(pipeline, project, commit, CONFIG_FILE)
    return {name: value for name, value in found.items() if isinstance(value, str | int)}


async def filtered(call: Call[Project, None]) -> Written[Page[PipelineShown]]:
    if call.path["filter"] != "mine":
        raise NotFound("Not found: the only filter is mine")
    return await mine_of_project(call)


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/pipeline/{pipeline-id}/values",
        id="getPipelineValuesById",
        summary="Get pipeline values for a pipeline",
        tag="Pipeline",
        need=Need.READ,
        subject=PIPELINE,
        handler=values,
        answer=Values,
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/pipelines",
        id="oldPipelines",
        summary="The same as /project/{project-slug}/pipeline",
        tag="Pipeline",
        need=Need.READ,
        subject=PROJECT,
        handler=of_project,
        answer=Page[PipelineShown],
        query=(Query(name="branch", summary="Only pipelines of this branch."), PAGE_TOKEN),
        hidden=True,
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/pipelines/{filter}",
        id="oldFilteredPipelines",
        summary="The same as /project/{project-slug}/pipeline/mine",
        tag="Pipeline",
        need=Need.READ,
        subject=PROJECT,
        handler=filtered,
        answer=Page[PipelineShown],
        query=(PAGE_TOKEN,),
        hidden=True,
    ),
]
