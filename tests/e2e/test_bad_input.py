"""Bad input gets a clear message, leaves no stack trace, and the server goes on."""

from collections.abc import Iterator

import pytest

from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

GOOD = """
version: 2.1
parameters:
  n: {type: integer, default: 1}
jobs:
  build: {docker: [{image: 'cimg/base:stable'}], steps: [{run: echo << pipeline.parameters.n >>}]}
workflows:
  w: {jobs: [build]}
"""


@pytest.fixture
def unharmed(site: Site) -> Iterator[Site]:
    """The server, which afterwards must be as well as before and have logged no stack trace."""
    seen = len(site.server.log)
    yield site
    assert site.client.request("GET", "/healthz", auth="none").status == 200
    assert "Traceback" not in site.server.log[seen:]


def message_of(site: Site, method: str, path: str, status: int, **kwargs: object) -> str:
    answer = site.client.request(method, path, **kwargs)  # type: ignore[arg-type]
    assert answer.status == status, repr(answer)
    assert answer.headers["Content-Type"].startswith("application/json")
    message: str = answer.json()["message"]
    return message


def errors_of(site: Site, slug: str, **body: object) -> list[dict[str, str]]:
    """The errors of a pipeline that must not compile."""
    pipeline = site.client.compiled(site.client.trigger(slug, **body)["id"])
    assert pipeline["state"] == "errored", pipeline
    assert list(site.client.workflows(pipeline["id"])) == []
    errors: list[dict[str, str]] = pipeline["errors"]
    return errors


def test_an_unknown_project_is_not_found(unharmed: Site) -> None:
    path = "/api/v2/project/gh/nobody/nothing"
    assert message_of(unharmed, "GET", path, 404) == "Project not found"
    assert message_of(unharmed, "POST", f"{path}/pipeline", 404, body={}) == "Project not found"


@pytest.mark.parametrize("headers", [{}, {"Circle-Token": "wrong"}, {"Authorization": "Bearer x"}])
def test_without_a_good_token_one_must_log_in(unharmed: Site, headers: dict[str, str]) -> None:
    path = "/api/v2/project/gh/acme/sample/pipeline"
    message = message_of(unharmed, "GET", path, 401, headers=headers, auth="none")
    assert message == "You must log in first."


def test_a_body_that_is_not_json_is_refused(unharmed: Site) -> None:
    project = unharmed.project(GOOD)
    headers = {"Content-Type": "application/json"}
    path = f"/api/v2/project/{project.slug}/pipeline"
    message = message_of(unharmed, "POST", path, 400, raw=b'{"branch": ', headers=headers)
    assert "JSON" in message


def test_an_unknown_branch_is_refused(unharmed: Site) -> None:
    project = unharmed.project(GOOD)
    path = f"/api/v2/project/{project.slug}/pipeline"
    assert message_of(unharmed, "POST", path, 400, body={"branch": "no"}) == "Branch not found"


def test_an_undeclared_parameter_makes_an_errored_pipeline(unharmed: Site) -> None:
    project = unharmed.project(GOOD)
    errors = errors_of(unharmed, project.slug, branch="main", parameters={"m": 1})
    assert any("Unexpected argument(s): m" in error["message"] for error in errors)


def test_a_parameter_of_the_wrong_type_makes_an_errored_pipeline(unharmed: Site) -> None:
    project = unharmed.project(GOOD)
    errors = errors_of(unharmed, project.slug, branch="main", parameters={"n": "many"})
    assert any("n" in error["message"] and "integer" in error["message"] for error in errors)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("version: 2.1\njobs: [\n", "Unable to parse YAML"),
        ("jobs: {}\n", "Unsupported or missing workflows config version"),
        (
            "version: 2.1\njobs:\n  build: {docker: [{image: a}], steps: [nonsense]}\n",
            "nonsense",
        ),
    ],
    ids=["broken YAML", "no version", "unknown step"],
)
def test_a_config_that_does_not_compile_says_why(
    unharmed: Site, config: str | bytes, says: str
) -> None:
    project = unharmed.project(config)
    errors = errors_of(unharmed, project.slug, branch="main")
    assert any(says in error["message"] for error in errors), errors
    assert {error["type"] for error in errors} == {"config"}


def test_a_config_that_is_not_text_says_so(unharmed: Site) -> None:
    project = unharmed.project(b"version: 2.1\njobs: \xff\xfe\x00")
    (error,) = errors_of(unharmed, project.slug, branch="main")
    assert ".circleci/config.yml is not UTF-8 text" in error["message"]


def test_a_repository_without_a_config_says_so(unharmed: Site) -> None:
    project = unharmed.project(None)
    errors = errors_of(unharmed, project.slug, branch="main")
    assert any("No configuration was found in your project" in e["message"] for e in errors)


def test_a_missing_shell_fails_the_step_with_a_message(unharmed: Site) -> None:
    project = unharmed.project(
        GOOD.replace("{run: echo", "{run: {shell: /no/such/shell, command: echo").replace(
            ">>}]", ">>}}]"
        )
    )
    pipeline = unharmed.client.trigger(project.slug, branch="main")
    (workflow,) = unharmed.client.finished(pipeline["id"]).values()
    assert workflow["status"] == "failed"
    output = "".join(unharmed.client.output(project.slug, 1).values())
    assert "/no/such/shell" in output


@pytest.mark.docker
def test_a_missing_image_fails_the_job_with_a_message(docker_site: Site) -> None:
    project = docker_site.project(GOOD.replace("cimg/base:stable", "nobody/nothing:1"))
    pipeline = docker_site.client.trigger(project.slug, branch="main")
    (workflow,) = docker_site.client.finished(pipeline["id"]).values()
    assert workflow["status"] == "failed"
    output = "".join(docker_site.client.output(project.slug, 1).values())
    assert "nobody/nothing:1" in output
    assert "Traceback" not in docker_site.server.log


def test_a_repository_that_is_gone_says_so(unharmed: Site) -> None:
    project = unharmed.project(GOOD)
    project.repository.path.rename(project.repository.path.with_name("moved"))
    answer = unharmed.client.request(
        "POST", f"/api/v2/project/{project.slug}/pipeline", body={"branch": "main"}
    )
    assert answer.status in {201, 400}, repr(answer)
    if answer.status == 201:
        pipeline = unharmed.client.compiled(answer.json()["id"])
        assert pipeline["state"] == "errored"
        assert pipeline["errors"][0]["type"] == "config-fetch"
