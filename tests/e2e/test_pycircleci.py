"""pycircleci, unmodified: lists, triggers, follows and reads a pipeline."""

from pathlib import Path
from typing import Any

import pytest
import requests
from pycircleci.api import Api

from tests.e2e.client import ENDED, until
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

CONFIG = """\
version: 2.1
parameters:
  greeting: {type: string, default: hello}
jobs:
  greet:
    docker: [{image: cimg/base:current}]
    steps:
      - run: {name: Greet, command: echo "<< pipeline.parameters.greeting >> from pycircleci"}
workflows:
  main:
    jobs:
      - greet
      - hold: {type: approval, requires: [greet]}
"""


@pytest.fixture
def api(site: Site) -> Api:
    return Api(token=site.server.token, url=f"{site.server.url}/api")


def test_it_triggers_follows_and_reads_a_pipeline(site: Site, api: Api):
    slug = site.project(CONFIG).slug
    _, user, repo = slug.split("/")

    assert api.get_project(f"github/{user}/{repo}")["slug"] == slug
    triggered = api.trigger_pipeline(user, repo, branch="main", params={"greeting": "hail"})
    assert triggered["state"] == "pending"
    pipeline_id = triggered["id"]

    pipeline = until(lambda: api.get_pipeline(pipeline_id), lambda seen: seen["state"] != "pending")
    assert (pipeline["state"], pipeline["errors"]) == ("created", [])
    [workflow] = api.get_pipeline_workflow(pipeline_id, paginate=True)
    assert workflow["name"] == "main"

    def jobs() -> dict[str, Any]:
        return {job["name"]: job for job in api.get_workflow_jobs(workflow["id"])}

    held = until(jobs, lambda seen: seen["hold"]["status"] == "on_hold")
    assert held["greet"]["status"] == "success"
    approved = api.approve_job(workflow["id"], held["hold"]["approval_request_id"])
    assert approved["message"] == "Accepted."
    ended = until(lambda: api.get_workflow(workflow["id"]), lambda seen: seen["status"] in ENDED)
    assert ended["status"] == "success"

    number = held["greet"]["job_number"]
    assert api.get_job_details(user, repo, number)["status"] == "success"
    build = api.get_build_info(user, repo, number)
    urls = {
        step["name"]: action["output_url"] for step in build["steps"] for action in step["actions"]
    }
    lines = requests.get(urls["Greet"], timeout=10).json()  # without a token, as log readers do
    assert "".join(line["message"] for line in lines) == "hail from pycircleci\n"


def test_it_reads_lists_and_people(site: Site, api: Api):
    slug = site.project(CONFIG).slug
    _, user, repo = slug.split("/")
    for _ in range(3):
        api.trigger_pipeline(user, repo)

    me = api.me(api_version="v2")
    assert api.me()["login"] == me["login"]
    assert api.get_user_id_info(me["id"])["login"] == me["login"]
    assert user in {it["name"] for it in api.get_user_collaborations()}
    assert repo in {it["reponame"] for it in api.get_projects()}
    numbers = [it["number"] for it in api.get_project_pipelines(user, repo, paginate=True)]
    assert numbers == [3, 2, 1]
    mine = api.get_project_pipelines(user, repo, mine=True, paginate=True, limit=2)
    assert [it["number"] for it in mine] == [3, 2]
    assert api.get_project_pipelines(user, repo, branch="nothing") == []
    assert len(api.get_pipelines(user, mine=True)) >= 3
    pipeline = until(
        lambda: api.get_project_pipeline(user, repo, 1), lambda seen: seen["state"] != "pending"
    )
    config = api.get_pipeline_config(pipeline["id"])
    assert config["source"] == CONFIG
    assert "hello from pycircleci" in config["compiled"]


def test_it_cancels_a_workflow(site: Site, api: Api):
    slug = site.project(CONFIG).slug
    _, user, repo = slug.split("/")
    pipeline_id = api.trigger_pipeline(user, repo)["id"]
    [workflow] = until(lambda: api.get_pipeline_workflow(pipeline_id), lambda seen: bool(seen))
    assert api.cancel_workflow(workflow["id"])["message"] == "Accepted."
    ended = until(lambda: api.get_workflow(workflow["id"]), lambda seen: seen["status"] in ENDED)
    assert ended["status"] == "canceled"


KEEPING = """\
version: 2.1
jobs:
  keep:
    docker: [{image: cimg/base:current}]
    steps:
      - run: mkdir out; echo text >out/a.txt
      - run: echo '<testsuite><testcase name="t"/></testsuite>' >r.xml
      - store_artifacts: {path: out}
      - store_test_results: {path: r.xml}
workflows:
  main: {jobs: [keep]}
"""


def test_it_lists_and_downloads_what_a_job_left(site: Site, api: Api, tmp_path: Path):
    slug = site.project(KEEPING).slug
    _, user, repo = slug.split("/")
    pipeline = api.trigger_pipeline(user, repo, branch="main")
    site.client.finished(pipeline["id"])

    [artifact] = api.get_artifacts(user, repo, 1)
    assert (artifact["path"], artifact["node_index"]) == ("out/a.txt", 0)
    assert api.get_latest_artifact(user, repo, branch="main") == [artifact]
    downloaded = api.download_artifact(artifact["url"], str(tmp_path))
    assert downloaded == f"{tmp_path}/a.txt"
    assert Path(downloaded).read_text() == "text\n"
    assert [test["name"] for test in api.get_test_metadata(user, repo, 1)["tests"]] == ["t"]
