"""Adding a project, checking its config, triggering a pipeline: the way to the first green one."""

from starlette.responses import RedirectResponse, Response

from roundel.domain.access import Need
from roundel.domain.errors import Invalid, NotAllowed, NotFound
from roundel.domain.pipelines import Ref
from roundel.domain.projects import Project, Slug
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.forms import Fields
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.parameters import parameters_of
from roundel.web.refusals import refused_on
from roundel.web.rooms import rooms_of

# What refusals begin with; the field that is meant, and how the form calls it.
_FIELDS: Fields = {
    "Branch or tag:": ("tag", ""),
    "Parameters": ("parameters", ""),
    "parameters:": ("parameters", "Parameters:"),
}
_OF_PROJECT: Fields = {
    "Repository:": ("repository", ""),
    "Organization and project:": ("project", ""),
    "Host:": ("vcs", ""),
    "name:": ("project", "Organization and project:"),
}


async def form(visit: Visit[None], *, problem: str = "", status: int = 200) -> Response:
    rooms = await rooms_of(visit)
    return visit.page(
        "add_project.html",
        status=status,
        rooms=rooms,
        problem=problem,
        organization=rooms.projects[0].organization.name if rooms.projects else "",
    )


@refused_on(form, _OF_PROJECT)
async def add(visit: Visit[None]) -> Response:
    if visit.actor.scopes is not None:
        raise NotAllowed("A session of a token with scopes cannot add projects.")
    slug = _slug(visit)
    repository = visit.field("repository").strip()
    if not repository:
        raise Invalid("Repository: give a path on the server, or an address that git knows.")
    project = await visit.hall.use_cases.add_project(
        slug, repository, visit.field("branch").strip() or None, visit.actor
    )
    return RedirectResponse(f"{address_of.project(project)}/start", status_code=303)


def _slug(visit: Visit[None]) -> Slug:
    parts = [visit.field(name).strip() for name in ("vcs", "organization", "project")]
    if not all(parts) or any("/" in part for part in parts):
        raise Invalid("Organization and project: one word each, without a slash.")
    try:
        return Slug.parse("/".join(parts))
    except NotFound as error:
        raise Invalid("Host: expected gh, bb or circleci.") from error


async def start(visit: Visit[Project], *, problem: str = "", status: int = 200) -> Response:
    """What a branch's config says, and the form that triggers it."""
    project = visit.subject
    branch, tag = (visit.query.get(it, "") or visit.field(it) for it in ("branch", "tag"))
    ref = _ref(project, "" if tag.strip() else branch, tag)
    checked = await visit.hall.use_cases.check_config(project, ref)
    return visit.page(
        "start.html",
        status=status,
        rooms=await rooms_of(visit, project=project),
        project=project,
        branch=ref.branch or "",
        tag=tag,
        checked=checked,
        problem=problem,
        may=visit.actor.may(Need.WRITE, project.organization.id),
    )


@refused_on(start, _FIELDS)
async def trigger(visit: Visit[Project]) -> Response:
    project = visit.subject
    parameters = parameters_of(visit.field("parameters"))
    ref = _ref(project, visit.field("branch"), visit.field("tag"))
    made = await visit.hall.use_cases.trigger_pipeline(project, ref, parameters, visit.actor)
    if made is None:
        raise Invalid("The commit asks for no pipeline: its message says [skip ci] or [ci skip].")
    return RedirectResponse(address_of.pipeline(project, made.number), status_code=303)


def _ref(project: Project, branch: str, tag: str) -> Ref:
    branch, tag = branch.strip(), tag.strip()
    if branch and tag:
        raise Invalid("Branch or tag: give one of them, and not both.")
    return Ref(tag=tag) if tag else Ref(branch=branch or project.default_branch)


PAGES: list[AnyPage] = [
    Page(method="GET", path="/projects/add", need=Need.SIGNED_IN, handler=form),
    Page(method="POST", path="/projects/add", need=Need.SIGNED_IN, handler=add, deed="addProject"),
    Page(
        method="GET",
        path="/pipelines/{vcs}/{organization}/{project}/start",
        need=Need.READ,
        handler=start,
        subject=subjects.project,
    ),
    Page(
        method="POST",
        path="/pipelines/{vcs}/{organization}/{project}/start",
        need=Need.WRITE,
        handler=trigger,
        subject=subjects.project,
        deed="triggerPipeline",
    ),
]
