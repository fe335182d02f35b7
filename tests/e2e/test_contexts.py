"""Secrets of contexts and projects, from the API to the output of a job."""

import base64

import pytest

from tests.e2e.site import Site
from tests.spec import SPEC

pytestmark = pytest.mark.e2e

CANARY = "canary-8d1f-of-the-context"
PROJECT_CANARY = "canary-77b2-of-the-project"
PUBLISHED = SPEC / "corpus" / "runnable" / "12-context-env.yml"

SHOWING = """
version: 2.1
jobs:
  show:
    docker: [{image: 'cimg/base:stable'}]
    steps:
      - run:
          name: show
          command: |
            echo "plain <$FROM_CONTEXT> <$FROM_PROJECT>"
            printf '%s' "$FROM_CONTEXT" | base64
            printf '%s' "${FROM_CONTEXT%context}"; sleep 0.3; printf "context\\\\n"
            echo "set: ${FROM_CONTEXT:+yes} shared: $SHARED length: ${#FROM_PROJECT}"
            test "$SHARED" = from-context
workflows:
  w:
    jobs: [{show: {context: CONTEXT-NAME}}]
"""


def a_context(site: Site, name: str, **variables: str) -> None:
    """Make a context with variables in the organisation of all projects here."""
    body = {"name": name, "owner": {"slug": "gh/acme"}}
    made = site.client.request("POST", "/api/v2/context", body=body)
    assert made.status == 200, repr(made)
    for variable, value in variables.items():
        path = f"/api/v2/context/{made.json()['id']}/environment-variable/{variable}"
        assert site.client.request("PUT", path, body={"value": value}).status == 200


@pytest.mark.spec
def test_the_published_config_with_a_context_runs_and_shows_no_secret(site: Site) -> None:
    project = site.project(PUBLISHED.read_bytes())
    a_context(site, "my_context_name", MY_ENV_VAR=CANARY)
    pipeline = site.client.trigger(project.slug, branch="main")
    (workflow,) = site.client.finished(pipeline["id"]).values()
    assert workflow["status"] == "success"
    (job,) = site.client.jobs(workflow["id"]).values()
    output = site.client.output(project.slug, job["job_number"])
    assert "****" in output["echo an env var that is part of our context"]
    assert CANARY not in "".join(output.values())


def test_secrets_are_masked_in_every_form_and_later_sources_win(site: Site) -> None:
    project = site.project(SHOWING.replace("CONTEXT-NAME", "shown-context"))
    a_context(site, "shown-context", FROM_CONTEXT=CANARY, SHARED="from-context")
    for name, value in {"FROM_PROJECT": PROJECT_CANARY, "SHARED": "from-project"}.items():
        path = f"/api/v2/project/{project.slug}/envvar"
        made = site.client.request("POST", path, body={"name": name, "value": value})
        assert made.status == 201, repr(made)
    pipeline = site.client.trigger(project.slug, branch="main")
    (workflow,) = site.client.finished(pipeline["id"]).values()
    assert workflow["status"] == "success"
    text = "".join(site.client.output(project.slug, 1).values())
    assert "plain <****> <****>" in text
    assert f"set: yes shared: **** length: {len(PROJECT_CANARY)}" in text
    encoded = base64.b64encode(CANARY.encode()).decode()
    for hidden in (CANARY, PROJECT_CANARY, encoded, "from-context"):
        assert hidden not in text
        assert hidden not in site.server.log


def test_a_job_whose_context_is_not_there_fails_and_says_so(site: Site) -> None:
    project = site.project(SHOWING.replace("CONTEXT-NAME", "nowhere"))
    pipeline = site.client.trigger(project.slug, branch="main")
    (workflow,) = site.client.finished(pipeline["id"]).values()
    assert workflow["status"] == "failed"
