"""A server killed while output streams, while it spins up: not a byte is lost or doubled."""

import time

import pytest

from tests.e2e.client import until
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

LINES = 400_000
STREAM = f"""
version: 2.1
jobs:
  stream:
    docker: [{{image: 'cimg/base:stable'}}]
    steps: [run: {{name: count, command: 'seq 1 {LINES}; sleep 0.5; seq 1 {LINES}'}}]
workflows:
  w: {{jobs: [stream]}}
"""


@pytest.mark.parametrize("so_far", [1, 200_000, 3_000_000])
def test_streamed_output_is_whole_after_a_kill(fresh_site: Site, so_far: int) -> None:
    site = fresh_site
    slug = site.project(STREAM).slug
    pipeline = site.client.trigger(slug, branch="main")

    def size() -> int:
        answer = site.client.request("GET", f"/api/v1.1/project/{slug}/1")
        return len(site.client.output(slug, 1).get("count", "")) if answer.status == 200 else 0

    until(size, lambda found: found >= so_far)
    site.server.kill()
    site.server.start()
    (workflow,) = site.client.finished(pipeline["id"], within=90).values()
    assert workflow["status"] == "success"
    lines = site.client.output(slug, 1)["count"].split()
    assert lines == [str(n) for n in range(1, LINES + 1)] * 2


SERVICES = """
version: 2.1
jobs:
  job:
    docker:
      - image: cimg/base:stable
      - {image: 'cimg/base:stable', name: other, command: sleep 600}
    steps: [run: {name: speak, command: echo spoken}]
workflows:
  w: {jobs: [job]}
"""


@pytest.mark.parametrize("seconds", [0.05, 0.12, 0.2, 0.3, 0.45])
def test_a_kill_while_the_environment_is_made_costs_nothing(
    fresh_site: Site, seconds: float
) -> None:
    site = fresh_site
    slug = site.project(SERVICES).slug
    warm = site.client.trigger(slug, branch="main")  # what is loaded late is loaded now
    site.client.finished(warm["id"])
    pipeline = site.client.trigger(slug, branch="main")
    time.sleep(seconds)  # chooses the phase in which the server dies
    site.server.kill()
    site.server.start()
    (workflow,) = site.client.finished(pipeline["id"], within=90).values()
    assert workflow["status"] == "success"
    assert site.client.output(slug, 2)["speak"] == "spoken\n"
