"""pycircleci, unmodified, over insights, checkout keys and the older calls."""

import pytest
from pycircleci.api import Api

from tests.e2e.client import until
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

CONFIG = """\
version: 2.1
jobs:
  build:
    docker: [{image: cimg/base:current}]
    steps: [{run: echo built}]
workflows: {main: {jobs: [build]}}
"""


@pytest.fixture
def api(process_site: Site) -> Api:
    return Api(token=process_site.server.token, url=f"{process_site.server.url}/api")


def test_it_reads_insights_of_a_run(process_site: Site, api: Api):
    slug = process_site.project(CONFIG).slug
    _, user, repo = slug.split("/")
    pipeline = api.trigger_pipeline(user, repo, branch="main")
    process_site.client.finished(pipeline["id"])
    [workflow] = until(lambda: api.get_project_workflows_metrics(user, repo), bool)
    assert (workflow["name"], workflow["metrics"]["total_runs"]) == ("main", 1)
    [run] = api.get_project_workflow_metrics(user, repo, "main", paginate=True)
    assert run["status"] == "success"
    [job] = api.get_project_workflow_jobs_metrics(user, repo, "main", paginate=True)
    assert (job["name"], job["metrics"]["successful_runs"]) == ("build", 1)
    [job_run] = api.get_project_workflow_job_metrics(user, repo, "main", "build")
    assert job_run["status"] == "success"
    assert api.get_project_workflow_test_metrics(user, repo, "main")["total_test_runs"] == 0
    assert api.get_flaky_tests(user, repo)["total_flaky_tests"] == 0
    assert api.get_project_branches(user, repo)["branches"] == ["main"]


def test_it_makes_and_removes_checkout_keys(process_site: Site, api: Api):
    slug = process_site.project(CONFIG).slug
    _, user, repo = slug.split("/")
    made = api.create_checkout_key(user, repo, "deploy-key")
    assert made["public_key"].startswith("ssh-ed25519 ")
    assert api.list_checkout_keys(user, repo) == [made]
    assert api.get_checkout_key(user, repo, made["fingerprint"]) == made
    assert api.delete_checkout_key(user, repo, made["fingerprint"])["message"] == "ok"
    assert api.list_checkout_keys(user, repo) == []


def test_it_makes_the_older_calls(process_site: Site, api: Api):
    slug = process_site.project(CONFIG).slug
    _, user, repo = slug.split("/")
    assert api.follow_project(user, repo)["following"] is True
    assert repo in {it["name"] for it in api.get_user_repos()}
    assert api.trigger_build(user, repo, branch="main")["body"] == "Build created"
    builds = until(lambda: api.get_project_build_summary(user, repo), bool)
    assert builds[0]["reponame"] == repo
    assert repo in {it["reponame"] for it in api.get_recent_builds()}
    assert api.cancel_build(user, repo, 1)["build_num"] == 1
