"""What a project has chosen, and the end of it."""

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.errors import Invalid
from roundel.domain.projects import Project
from roundel.services.changing_projects import ChangeProject
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.forms import Fields
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.refusals import refused_on
from roundel.web.settings_pages import done, limits_of, show_project

FLAGS = {
    "set_github_status": "Report the status of commits to the git host",
    "build_fork_prs": "Build pull requests from forks",
    "forks_receive_secret_env_vars": "Give variables, contexts and keys to builds of forks",
    "approve_strangers": "Pull requests of newcomers from forks wait until a member approves them",
    "build_prs_only": "Build only pull requests, tags, the default branch and the branches below",
    "autocancel_builds": "Cancel what runs on a branch when something newer comes",
    "setup_workflows": "Let configs be setup configs, which continue with another",
    "several_continuations": "A setup may continue with more than one config",
    "rerun_while_running": "What failed may be rerun before its workflow has ended",
    "disable_ssh": "No reruns with SSH, no shells in jobs",
    "oss": "Free and open source",
    "write_settings_requires_admin": "Only administrators change these settings",
    "block_new_work": "Take no new pipelines and reruns; what runs goes on",
}
LIMITS = {
    "max_running_jobs": ("Jobs at once", "Over all runners. Nothing: no limit."),
    "keep_logs_days": (
        "Keep output for days",
        "Of ended workflows. Nothing: as the organization says.",
    ),
    "keep_pipelines_days": (
        "Keep pipelines for days",
        "With all that they left. Nothing: as the organization says.",
    ),
}
# What refusals begin with; the field that is meant, and how the form calls it.
_SETTINGS: Fields = {f"{word}:": (name, "") for name, (word, _) in LIMITS.items()}
_PROJECT: Fields = {
    "Repository:": ("repository_url", ""),
    "repository_url:": ("repository_url", "Repository:"),
    "name:": ("name", "Name:"),
    "default_branch:": ("default_branch", "Default branch:"),
}
_MEANT: Fields = {"Nothing was deleted.": ("confirm", "")}


async def overview(visit: Visit[Project], *, problem: str = "", status: int = 200) -> Response:
    project = visit.subject
    settings = await visit.app.reads.project_settings(project.id)
    need = Need.ADMINISTER if settings.write_settings_requires_admin else Need.WRITE
    return await show_project(
        visit,
        project,
        "project_overview.html",
        problem=problem,
        status=status,
        settings=settings,
        may_change=visit.actor.may(need, project.organization.id),
        flags=FLAGS,
        limits=LIMITS,
    )


@refused_on(overview, _SETTINGS)
async def change(visit: Visit[Project]) -> Response:
    """Take the form as a whole: a box that is not ticked is off, an empty number is no limit."""
    changes: dict[str, object] = {name: visit.field(name) == "1" for name in FLAGS}
    changes |= limits_of(visit, {name: word for name, (word, _) in LIMITS.items()})
    lines = visit.field("pr_only_branch_overrides").splitlines()
    changes["pr_only_branch_overrides"] = tuple(line.strip() for line in lines if line.strip())
    await visit.hall.use_cases.change_project_settings(visit.subject, changes, visit.actor)
    return done(address_of.project_settings(visit.subject), "saved")


@refused_on(overview, _PROJECT)
async def redefine(visit: Visit[Project]) -> Response:
    """Give it another name, repository or default branch; what is the same stays as it is."""
    project = visit.subject
    url = visit.field("repository_url").strip()
    command = ChangeProject(
        project=project,
        name=visit.field("name").strip(),
        repository_url=url or None,
        default_branch=visit.field("default_branch").strip(),
    )
    if not url and project.repository_url:
        raise Invalid("Repository: give a path on the server, or an address that git knows.")
    changed = await visit.hall.use_cases.organizations.change_project(command)
    return done(address_of.project_settings(changed), "saved")


@refused_on(overview)
async def clear_caches(visit: Visit[Project]) -> Response:
    await visit.hall.use_cases.clear_caches(visit.subject)
    return done(address_of.project_settings(visit.subject), "cleared")


@refused_on(overview, _MEANT)
async def remove(visit: Visit[Project]) -> Response:
    """Remove it with all that it has; its slug, written out, says that it is meant."""
    slug = str(visit.subject.slug)
    if visit.field("confirm").strip() != slug:
        raise Invalid(f"Nothing was deleted. To delete it, write {slug} into the field.")
    await visit.hall.use_cases.organizations.remove_project(visit.subject)
    return done(address_of.organization(visit.subject.organization))


_ROOT = "/settings/project/{vcs}/{organization}/{project}"

PAGES: list[AnyPage] = [
    Page(method="GET", path=_ROOT, need=Need.READ, handler=overview, subject=subjects.project),
    Page(
        method="POST",
        path=_ROOT,
        need=Need.WRITE,
        handler=change,
        subject=subjects.project,
        deed="patchProjectSettings",
    ),
    Page(
        method="POST",
        path=f"{_ROOT}/project",
        need=Need.ADMINISTER,
        handler=redefine,
        subject=subjects.project,
        deed="changeProject",
    ),
    Page(
        method="POST",
        path=f"{_ROOT}/caches/clear",
        need=Need.WRITE,
        handler=clear_caches,
        subject=subjects.project,
        deed="clearCachesV1",
    ),
    Page(
        method="POST",
        path=f"{_ROOT}/delete",
        need=Need.ADMINISTER,
        handler=remove,
        subject=subjects.project,
        deed="deleteProjectBySlug",
    ),
]
