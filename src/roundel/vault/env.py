"""A job's environment: the sources of variables, laid over each other in one order.

From low to high rank: project variables, contexts (of two with one name the later), the built-in
`CIRCLE_*` values, the job's own `environment`.  What a step sets lies over all of it and is the
runner's affair, as is what lies under it: an image's variables and the runner's defaults.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from roundel.domain.jobs import Job
from roundel.domain.pipelines import Pipeline
from roundel.domain.plan import DEFAULT_WORKING_DIRECTORY
from roundel.domain.projects import LONG_FORM, Project
from roundel.domain.records import dataclass
from roundel.domain.workflows import Workflow

_SCP_LIKE = re.compile(r"[^@/:]+@([^:/]+):/?(.+)")  # git@host:path


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything that the built-in values tell of."""

    project: Project
    pipeline: Pipeline
    workflow: Workflow
    job: Job
    node: int
    public_url: str
    job_url: str
    working_directory: str | None
    previous_number: int | None = None  # of the job before this one on its branch


def job_environment(
    own: Mapping[str, str],
    builtin: Mapping[str, str],
    *,
    contexts: Iterable[Mapping[str, str]] = (),
    project: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the job's environment in the documented order."""
    laid: dict[str, str] = dict(project or {})
    for context in contexts:
        laid |= context
    return laid | dict(builtin) | dict(own)


def builtin_environment(around: Surroundings) -> dict[str, str]:
    """Return the built-in variables; those that do not apply are absent."""
    project, pipeline, workflow, job = around.project, around.pipeline, around.workflow, around.job
    revision = None if pipeline.commit is None else pipeline.commit.revision
    pull = _pull_request(pipeline.ref.branch)
    pages = _pull_request_pages(pipeline, project, pull)
    origin = pipeline.origin
    number = "" if job.number is None else str(job.number)
    values = {
        "CI": "true",
        "CIRCLECI": "true",
        "CIRCLE_BRANCH": branch_as_shown(pipeline.ref.branch),
        "CIRCLE_BUILD_NUM": number,
        "CIRCLE_BUILD_URL": job_page(around.public_url, project, pipeline, workflow, number),
        "CIRCLE_JOB": job.name,
        "CIRCLE_NODE_INDEX": str(around.node),
        "CIRCLE_NODE_TOTAL": str(job.parallelism),
        "CIRCLE_ORGANIZATION_ID": project.organization.id,
        "CIRCLE_PIPELINE_ID": pipeline.id,
        "CIRCLE_PIPELINE_NUMBER": str(pipeline.number),
        "CIRCLE_PR_NUMBER": pull,
        "CIRCLE_PREVIOUS_BUILD_NUM": _text(around.previous_number),
        "CIRCLE_PROJECT_ID": project.id,
        "CIRCLE_PROJECT_REPONAME": project.name,
        "CIRCLE_PROJECT_USERNAME": project.organization.name,
        "CIRCLE_PR_REPONAME": None if origin is None else origin.fork_name or None,
        "CIRCLE_PR_USERNAME": None if origin is None else origin.fork_owner or None,
        "CIRCLE_PULL_REQUEST": pages[-1] if pages else None,
        "CIRCLE_PULL_REQUESTS": ",".join(pages) or None,
        "CIRCLE_REPOSITORY_URL": project.repository_url,
        "CIRCLE_SHA1": revision,
        "CIRCLE_TAG": pipeline.ref.tag,
        "CIRCLE_USERNAME": pipeline.trigger.actor_login,
        "CIRCLE_WORKFLOW_ID": workflow.id,
        "CIRCLE_WORKFLOW_JOB_ID": job.id,
        "CIRCLE_WORKFLOW_WORKSPACE_ID": workflow.workspace_id,
        "CIRCLE_WORKING_DIRECTORY": around.working_directory or DEFAULT_WORKING_DIRECTORY,
        "CIRCLECI_API_HOST": around.job_url,
        # Public orbs put https:// before it, so that the server must be reached by TLS for them.
        "CIRCLECI_DOMAIN": urlsplit(around.job_url).netloc,
    }
    return {name: value for name, value in values.items() if value is not None}


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _pull_request(branch: str | None) -> str | None:
    """Return the number of the pull request that a pipeline of `pull/7/head` is about."""
    match (branch_as_shown(branch) or "").split("/"):
        case ["pull", number] if number.isdigit():
            return number
    return None


def _pull_request_pages(pipeline: Pipeline, project: Project, pull: str | None) -> tuple[str, ...]:
    """Return the pages of the open pull requests: as the host told, or as they must be."""
    if pipeline.origin is not None and pipeline.origin.pull_urls:
        return pipeline.origin.pull_urls
    page = None if pull is None else pull_request_page(project.repository_url, pull)
    return () if page is None else (page,)


def pull_request_page(repository_url: str, number: str) -> str | None:
    """Return the page of a pull request; None where the repository has no pages."""
    if match := _SCP_LIKE.fullmatch(repository_url):
        origin, path = f"https://{match[1]}", match[2]
    else:
        parts = urlsplit(repository_url)
        if parts.scheme not in ("http", "https", "ssh") or not parts.hostname:
            return None
        web = parts.scheme in ("http", "https")
        port = f":{parts.port}" if web and parts.port else ""
        origin = f"{parts.scheme if web else 'https'}://{parts.hostname}{port}"
        path = parts.path
    return f"{origin}/{path.strip('/').removesuffix('.git')}/pull/{number}"


def repository_origin(url: str) -> str | None:
    """Return `host/owner/name` of a repository; None for one that is on this machine."""
    if match := _SCP_LIKE.fullmatch(url):
        host, path = match[1], match[2]
    else:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https", "ssh", "git") or not parts.hostname:
            return None
        host, path = parts.hostname, parts.path
    return f"{host}/{path.strip('/').removesuffix('.git')}"


def branch_as_shown(branch: str | None) -> str | None:
    """Return `pull/7` for `pull/7/head` and `pull/7/merge`, other branches as they are."""
    if branch is None:
        return None
    match branch.split("/"):
        case ["pull", number, "head" | "merge"]:
            return f"pull/{number}"
    return branch


def job_page(
    public_url: str, project: Project, pipeline: Pipeline, workflow: Workflow, number: str
) -> str:
    """Return the address of a job's page."""
    slug = f"{LONG_FORM[project.slug.vcs]}/{project.slug.organization}/{project.slug.project}"
    return f"{public_url}/pipelines/{slug}/{pipeline.number}/workflows/{workflow.id}/jobs/{number}"
