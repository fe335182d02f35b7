"""The built-in variables of a job."""

import pytest

from roundel.domain.clock import Micros
from roundel.domain.ids import JobId, OrganizationId, PipelineId, ProjectId, WorkflowId
from roundel.domain.jobs import Job, JobStatus
from roundel.domain.pipelines import Commit, Pipeline, PipelineState, Ref, Trigger, TriggerType
from roundel.domain.plan import JobType
from roundel.domain.projects import Organization, Project, Slug, Vcs
from roundel.domain.workflows import Workflow, WorkflowStatus
from roundel.vault.env import Surroundings, builtin_environment

AT = Micros(1)


def built_in(
    ref: Ref, *, url: str = "https://git.example/acme/web.git", previous: int | None = None
) -> dict[str, str]:
    """Return the built-in values of job 7 of `acme/web`."""
    acme = Organization(id=OrganizationId("org"), vcs=Vcs.GITHUB, name="acme", created_at=AT)
    project = Project(
        id=ProjectId("project"),
        organization=acme,
        slug=Slug.parse("gh/acme/web"),
        name="web",
        repository_url=url,
        default_branch="main",
        created_at=AT,
    )
    trigger = Trigger(type=TriggerType.API, received_at=AT, actor_id=None, actor_login="ada")
    pipeline = Pipeline(
        id=PipelineId("pipeline"),
        project_id=project.id,
        number=3,
        state=PipelineState.CREATED,
        trigger=trigger,
        ref=ref,
        parameters={},
        created_at=AT,
        updated_at=AT,
        commit=Commit(revision="f" * 40),
    )
    workflow = Workflow(
        id=WorkflowId("workflow"),
        pipeline_id=pipeline.id,
        project_id=project.id,
        name="w",
        status=WorkflowStatus.RUNNING,
        started_by=None,
        workspace_id=WorkflowId("original"),
        created_at=AT,
    )
    job = Job(
        id=JobId("job"),
        project_id=project.id,
        workflow_id=workflow.id,
        name="build",
        type=JobType.BUILD,
        status=JobStatus.RUNNING,
        plan_key="build",
        number=7,
        parallelism=4,
        created_at=AT,
    )
    return builtin_environment(
        Surroundings(
            project=project,
            pipeline=pipeline,
            workflow=workflow,
            job=job,
            node=2,
            public_url="https://ci.example",
            job_url="http://10.0.0.1:8400",
            working_directory="~/code",
            previous_number=previous,
        )
    )


def test_every_built_in_variable_of_a_branch_pipeline_is_there() -> None:
    assert built_in(Ref(branch="main"), previous=6) == {
        "CI": "true",
        "CIRCLECI": "true",
        "CIRCLECI_DOMAIN": "10.0.0.1:8400",
        "CIRCLE_BRANCH": "main",
        "CIRCLE_BUILD_NUM": "7",
        "CIRCLE_BUILD_URL": (
            "https://ci.example/pipelines/github/acme/web/3/workflows/workflow/jobs/7"
        ),
        "CIRCLE_JOB": "build",
        "CIRCLE_NODE_INDEX": "2",
        "CIRCLE_NODE_TOTAL": "4",
        "CIRCLE_ORGANIZATION_ID": "org",
        "CIRCLE_PIPELINE_ID": "pipeline",
        "CIRCLE_PIPELINE_NUMBER": "3",
        "CIRCLE_PREVIOUS_BUILD_NUM": "6",
        "CIRCLE_PROJECT_ID": "project",
        "CIRCLE_PROJECT_REPONAME": "web",
        "CIRCLE_PROJECT_USERNAME": "acme",
        "CIRCLE_REPOSITORY_URL": "https://git.example/acme/web.git",
        "CIRCLE_SHA1": "f" * 40,
        "CIRCLE_USERNAME": "ada",
        "CIRCLE_WORKFLOW_ID": "workflow",
        "CIRCLE_WORKFLOW_JOB_ID": "job",
        "CIRCLE_WORKFLOW_WORKSPACE_ID": "original",
        "CIRCLE_WORKING_DIRECTORY": "~/code",
        "CIRCLECI_API_HOST": "http://10.0.0.1:8400",
    }


def test_a_tag_pipeline_has_its_tag_and_no_branch() -> None:
    values = built_in(Ref(tag="v1"))
    assert values["CIRCLE_TAG"] == "v1"
    assert not {"CIRCLE_BRANCH", "CIRCLE_PREVIOUS_BUILD_NUM", "CIRCLE_PR_NUMBER"} & set(values)


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://git.example/acme/web.git", "https://git.example/acme/web/pull/12"),
        ("http://user:secret@git.example:81/acme/web", "http://git.example:81/acme/web/pull/12"),
        ("git@git.example:acme/web.git", "https://git.example/acme/web/pull/12"),
        ("ssh://git@git.example:22/acme/web.git", "https://git.example/acme/web/pull/12"),
        ("/srv/web.git", None),
        ("file:///srv/web.git", None),
    ],
)
def test_a_pull_request_has_its_number_and_its_page(url: str, page: str | None) -> None:
    for ref in ("pull/12", "pull/12/head", "pull/12/merge"):
        values = built_in(Ref(branch=ref), url=url)
        assert (values["CIRCLE_BRANCH"], values["CIRCLE_PR_NUMBER"]) == ("pull/12", "12")
        assert values.get("CIRCLE_PULL_REQUEST") == page
        assert values.get("CIRCLE_PULL_REQUESTS") == page
