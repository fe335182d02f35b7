"""A server and its runner killed while a job hands files over or takes them: none is lost."""

import pytest

from tests.e2e.client import until
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

BYTES = 40_000_000
CONFIG = f"""
version: 2.1
jobs:
  make:
    docker: [{{image: 'cimg/base:stable'}}]
    steps:
      - run: {{name: files, command: 'mkdir d; head -c {BYTES} /dev/urandom >d/f; sha256sum d/f'}}
      - save_cache: {{key: k, paths: [d]}}
      - persist_to_workspace: {{root: ., paths: [d]}}
  use:
    docker: [{{image: 'cimg/base:stable'}}]
    steps:
      - attach_workspace: {{at: .}}
      - run: {{name: attached, command: sha256sum d/f; rm -r d}}
      - restore_cache: {{key: k}}
      - run: {{name: restored, command: sha256sum d/f}}
workflows:
  w: {{jobs: [make, use: {{requires: [make]}}]}}
"""


@pytest.mark.parametrize(("number", "step"), [(1, "Saving cache"), (2, "Attaching workspace")])
def test_files_are_whole_after_a_kill(fresh_site: Site, number: int, step: str) -> None:
    site = fresh_site
    slug = site.project(CONFIG).slug
    pipeline = site.client.trigger(slug, branch="main")

    def steps() -> list[str]:
        answer = site.client.request("GET", f"/api/v1.1/project/{slug}/{number}")
        return [each["name"] for each in answer.json()["steps"]] if answer.status == 200 else []

    until(steps, lambda found: step in found)
    site.server.kill()
    site.server.start()
    (workflow,) = site.client.finished(pipeline["id"], within=90).values()
    assert workflow["status"] == "success"
    sums = site.client.output(slug, 1)["files"], site.client.output(slug, 2)
    assert sums[1]["attached"] == sums[1]["restored"] == sums[0]
    assert len(sums[0].split()[0]) == 64
