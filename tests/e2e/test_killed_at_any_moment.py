"""A server killed right after its answer, while it compiles, claims or runs, loses nothing."""

import time

import pytest

from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

PIPELINES = 3
CONFIG = """
version: 2.1
jobs:
  first: &job
    docker: [{image: 'cimg/base:stable'}]
    steps:
      - run: {name: speak, command: 'echo begin; sleep 0.3; echo end'}
  second: *job
workflows:
  w:
    jobs: [first, second: {requires: [first]}]
"""


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.2, 0.4, 0.8])
def test_what_was_accepted_ends_with_whole_output_and_numbers_without_gaps(
    fresh_site: Site, seconds: float
) -> None:
    site = fresh_site
    slug = site.project(CONFIG).slug
    accepted = [site.client.trigger(slug, branch="main") for _ in range(PIPELINES)]
    time.sleep(seconds)  # chooses the phase in which the server dies
    site.server.kill()
    site.server.start()

    numbers = set()
    for pipeline in accepted:
        (workflow,) = site.client.finished(pipeline["id"], within=90).values()
        assert workflow["status"] == "success"
        for job in site.client.jobs(workflow["id"]).values():
            numbers.add(job["job_number"])
            output = site.client.output(slug, job["job_number"])["speak"]
            assert output.split() == ["begin", "end"]
    assert numbers == set(range(1, 2 * PIPELINES + 1))
