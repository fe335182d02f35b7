"""Clients of others, unmodified, whose host is fixed: a session leads them here."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.site import Project, Site

pytestmark = [pytest.mark.e2e, pytest.mark.clients]

CONFIG = """\
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: {name: Say hello, command: echo hello}}]
workflows: {main: {jobs: [build]}}
"""
FIXED = "https://circleci.com"


class Led(requests.Session):
    """A session that asks this server where another host was meant."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        return super().request(method, str(url).replace(FIXED, self._url), *args, **kwargs)


@pytest.fixture
def project(process_site: Site) -> Project:
    """A project with 22 pipelines, of which the first has ended."""
    made = process_site.project(CONFIG)
    first = process_site.client.trigger(made.slug, branch="main")
    process_site.client.finished(first["id"])
    for _ in range(21):
        process_site.client.trigger(made.slug, branch="main")
    return made


def test_circleci2_reads_pipelines_workflows_and_jobs(process_site: Site, project: Project):
    from circleci2.api import API
    from circleci2.types import ProjectSlug

    api = API(process_site.server.token)
    api._client = Led(process_site.server.url)
    slug = ProjectSlug.github(*project.slug.split("/")[1:])
    pipelines = list(api.iter_project_pipelines(slug, branch="main"))
    assert [it.number for it in pipelines] == list(range(22, 0, -1))
    assert api.get_project_pipelines(slug).next_page_token is not None
    [workflow] = api.iter_pipline_workflows(pipelines[-1].id)
    assert workflow.name == "main"
    assert api.get_pipline_workflows(pipelines[-1].id).items[0].id == workflow.id
    [job] = api.iter_workflow_jobs(workflow.id)
    assert job.name == "build"
    assert api.get_workflow_jobs(workflow.id).items[0].id == job.id


@pytest.fixture
def saved(process_site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder with the token, for a client that makes its sessions by itself."""
    from circleci_to_sqlite import utils

    def session(token: str) -> requests.Session:
        made = Led(process_site.server.url)
        made.auth = requests.auth.HTTPBasicAuth(token, "")
        made.headers.update({"Accept": "application/json"})
        return made

    monkeypatch.setattr(utils, "make_session", session)
    token = {"circleci_personal_token": process_site.server.token}
    (tmp_path / "auth.json").write_text(json.dumps(token))
    yield tmp_path


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # the client leaves files open
def test_circleci_to_sqlite_saves_projects_jobs_and_steps(project: Project, saved: Path):
    from circleci_to_sqlite.cli import cli

    slug = project.slug.replace("gh/", "github/")
    database, auth = str(saved / "ci.db"), ["--auth", str(saved / "auth.json")]
    for command in (
        ["projects", database],
        ["jobs", database, slug],
        ["steps", database, slug, "1"],
    ):
        cli.main([*command, *auth], standalone_mode=False)
    connection = sqlite3.connect(database)
    try:
        names = {row[0] for row in connection.execute("SELECT reponame FROM projects")}
        steps = {row[0] for row in connection.execute("SELECT name FROM steps")}
        jobs = connection.execute("SELECT count(*) FROM jobs").fetchone()[0]
    finally:
        connection.close()
    assert project.slug.rpartition("/")[2] in names
    assert "Say hello" in steps
    assert jobs >= 1
