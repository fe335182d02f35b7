"""Environment variables of a project: their values go in, and come out masked alone."""

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.projects import Project
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.refusals import refused_on
from roundel.web.settings_pages import OF_VARIABLE, done, show_project


async def variables(visit: Visit[Project], *, problem: str = "", status: int = 200) -> Response:
    project = visit.subject
    return await show_project(
        visit,
        project,
        "project_variables.html",
        problem=problem,
        status=status,
        variables=await visit.hall.use_cases.secrets.project_variables(project),
    )


@refused_on(variables, OF_VARIABLE)
async def put(visit: Visit[Project]) -> Response:
    """Add a variable, or replace its value."""
    name, value = visit.field("variable").strip(), visit.field("value")
    await visit.hall.use_cases.secrets.put_project_variable(visit.subject, name, value)
    return _back(visit, "saved")


@refused_on(variables)
async def remove(visit: Visit[Project]) -> Response:
    secrets = visit.hall.use_cases.secrets
    await secrets.remove_project_variable(visit.subject, visit.field("variable"))
    return _back(visit, "removed")


def _back(visit: Visit[Project], what: str) -> Response:
    return done(f"{address_of.project_settings(visit.subject)}/environment-variables", what)


_ALL = "/settings/project/{vcs}/{organization}/{project}/environment-variables"

PAGES: list[AnyPage] = [
    Page(method="GET", path=_ALL, need=Need.READ, handler=variables, subject=subjects.project),
    Page(
        method="POST",
        path=_ALL,
        need=Need.WRITE,
        handler=put,
        subject=subjects.project,
        deed="createEnvVar",
    ),
    Page(
        method="POST",
        path=f"{_ALL}/remove",
        need=Need.WRITE,
        handler=remove,
        subject=subjects.project,
        deed="deleteEnvVar",
    ),
]
