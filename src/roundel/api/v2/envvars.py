"""Environment variables of projects, in both versions of the API."""

from roundel.api.operations import V1, AnyOperation, Call, Operation
from roundel.api.schemas.common import Message, Page
from roundel.api.schemas.contexts import (
    CreateProjectVariable,
    PlainVariable,
    ProjectVariable,
    project_variable,
)
from roundel.api.subjects import PROJECT
from roundel.domain.access import Need
from roundel.domain.projects import Project


async def variables(call: Call[Project, None]) -> Page[ProjectVariable]:
    found = await call.door.use_cases.secrets.project_variables(call.subject)
    return Page([project_variable(it) for it in found], None)


async def create(call: Call[Project, CreateProjectVariable]) -> ProjectVariable:
    body = call.body
    made = await call.door.use_cases.secrets.put_project_variable(
        call.subject, body.name, body.value
    )
    return project_variable(made)


async def show(call: Call[Project, None]) -> ProjectVariable:
    found = await call.door.use_cases.secrets.project_variable(call.subject, call.path["name"])
    return project_variable(found)


async def remove(call: Call[Project, None]) -> Message:
    await call.door.use_cases.secrets.remove_project_variable(call.subject, call.path["name"])
    return Message("Environment variable deleted.")


async def flat(call: Call[Project, None]) -> list[PlainVariable]:
    return [PlainVariable(it.name, it.value) for it in (await variables(call)).items]


async def create_flat(call: Call[Project, CreateProjectVariable]) -> PlainVariable:
    made = await create(call)
    return PlainVariable(made.name, made.value)


async def show_flat(call: Call[Project, None]) -> PlainVariable:
    found = await show(call)
    return PlainVariable(found.name, found.value)


async def remove_flat(call: Call[Project, None]) -> Message:
    await remove(call)
    return Message("ok")


OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path="/project/{project-slug}/envvar",
        id="listEnvVars",
        summary="List all environment variables",
        tag="Project",
        need=Need.READ,
        subject=PROJECT,
        handler=variables,
        answer=Page[ProjectVariable],
    ),
    Operation(
        method="POST",
        path="/project/{project-slug}/envvar",
        id="createEnvVar",
        summary="Create an environment variable",
        tag="Project",
        need=Need.WRITE,
        subject=PROJECT,
        handler=create,
        body=CreateProjectVariable,
        answer=ProjectVariable,
        status=201,
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/envvar/{name}",
        id="getEnvVar",
        summary="Get a masked environment variable",
        tag="Project",
        need=Need.READ,
        subject=PROJECT,
        handler=show,
        answer=ProjectVariable,
    ),
    Operation(
        method="DELETE",
        path="/project/{project-slug}/envvar/{name}",
        id="deleteEnvVar",
        summary="Delete an environment variable",
        tag="Project",
        need=Need.WRITE,
        subject=PROJECT,
        handler=remove,
        answer=Message,
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/envvar",
        id="envvarsV1",
        summary="List all environment variables",
        tag="v1.1",
        need=Need.READ,
        subject=PROJECT,
        handler=flat,
        prefix=V1,
        answer=list[PlainVariable],
    ),
    Operation(
        method="POST",
        path="/project/{project-slug}/envvar",
        id="createEnvvarV1",
        summary="Create an environment variable",
        tag="v1.1",
        need=Need.WRITE,
        subject=PROJECT,
        handler=create_flat,
        prefix=V1,
        body=CreateProjectVariable,
        answer=PlainVariable,
        status=201,
    ),
    Operation(
        method="GET",
        path="/project/{project-slug}/envvar/{name}",
        id="envvarV1",
        summary="Get a masked environment variable",
        tag="v1.1",
        need=Need.READ,
        subject=PROJECT,
        handler=show_flat,
        prefix=V1,
        answer=PlainVariable,
    ),
    Operation(
        method="DELETE",
        path="/project/{project-slug}/envvar/{name}",
        id="deleteEnvvarV1",
        summary="Delete an environment variable",
        tag="v1.1",
        need=Need.WRITE,
        subject=PROJECT,
        handler=remove_flat,
        prefix=V1,
        answer=Message,
    ),
]
