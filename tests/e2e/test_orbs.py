"""Orbs on a running server: from its data folder and from the commit itself."""

import pytest

from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

ORB = """\
version: 2.1
commands:
  greet:
    parameters: {who: {type: string}}
    steps: [{run: {name: greet, command: 'echo "hello from << parameters.who >>"'}}]
"""
CONFIG = """\
version: 2.1
orbs:
  shared: acme/greeter@1
  own: ./tools/orb.yml
jobs:
  both:
    docker: [{image: 'cimg/base:stable'}]
    steps:
      - shared/greet: {who: the folder}
      - own/greet: {who: the commit}
workflows: {w: {jobs: [both]}}
"""


def test_a_pipeline_runs_steps_of_both_orbs(site: Site) -> None:
    published = site.server.data / "orbs/acme/greeter/1.2.0.yml"
    published.parent.mkdir(parents=True, exist_ok=True)
    published.write_text(ORB)
    project = site.project(CONFIG)
    (project.repository.path / "tools").mkdir()
    (project.repository.path / "tools/orb.yml").write_text(ORB)
    project.repository.git("add", ".")
    project.repository.git("commit", "--quiet", "--message", "Add an orb")
    pipeline = site.client.trigger(project.slug, branch="main")
    (workflow,) = site.client.finished(pipeline["id"]).values()
    assert workflow["status"] == "success"
    output = "".join(site.client.output(project.slug, 1).values())
    assert "hello from the folder" in output
    assert "hello from the commit" in output
    config = site.client.get(f"/api/v2/pipeline/{pipeline['id']}/config")
    assert "# Orb 'acme/greeter@1' resolved to 'acme/greeter@1.2.0'" in config["compiled"]
