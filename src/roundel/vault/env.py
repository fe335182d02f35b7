"""A job's environment: the sources of variables, laid over each other in one order.

From low to high rank: our defaults, project variables, contexts (of two with one name the later),
the built-in `CIRCLE_*` values, the job's own `environment`.  What a step sets lies over all of it
and is the runner's affair; what an image declares lies under it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from roundel.domain.jobs import Job
from roundel.domain.pipelines import Pipeline
from roundel.domain.projects import LONG_FORM, Project
from roundel.domain.workflows import Workflow

# On CircleCI steps see a terminal; ours write to files, where a pager would only be in the way.
DEFAULTS: Mapping[str, str] = {"PAGER": "cat", "GIT_PAGER": "cat"}
DEFAULT_WORKING_DIRECTORY = "~/project"


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


def job_environment(
    own: Mapping[str, str],
    builtin: Mapping[str, str],
    *,
    contexts: Iterable[Mapping[str, str]] = (),
    project: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the job's environment in the documented order."""
    laid: dict[str, str] = {**DEFAULTS, **(project or {})}
    for context in contexts:
        laid |= context
    return laid | dict(builtin) | dict(own)


def builtin_environment(around: Surroundings) -> dict[str, str]:
    """Return the built-in variables; those that do not apply are absent."""
    project, pipeline, workflow, job = around.project, around.pipeline, around.workflow, around.job
    revision = None if pipeline.commit is None else pipeline.commit.revision
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
        "CIRCLE_PROJECT_ID": project.id,
        "CIRCLE_PROJECT_REPONAME": project.name,
        "CIRCLE_PROJECT_USERNAME": project.organization.name,
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
