"""An artifact as large as they may be, up and down, in bounded memory; `make soak` takes 3 GB."""

import hashlib
import os
from pathlib import Path

import pytest

from tests.e2e.server import Server
from tests.e2e.site import Site
from tests.e2e.test_keeping import fetch, opened, run

pytestmark = pytest.mark.e2e

LARGE_BYTES = 3_000_000_000 if os.environ.get("ROUNDEL_SOAK") else 150_000_000
LARGE_SECONDS = 60 + LARGE_BYTES / 5_000_000
MORE_BYTES = 100_000_000  # that server and runner may need for it, however large it is

LARGE = f"""
version: 2.1
jobs:
  build:
    docker: [{{image: 'cimg/base:stable'}}]
    steps:
      - run: |
          head -c {LARGE_BYTES} /dev/urandom >large.bin
          sha256sum large.bin | cut -c -64 >sum.txt
      - store_artifacts: {{path: .}}
workflows:
  w: {{jobs: [build]}}
"""


def memory(server: Server, word: str) -> int:
    """Return a figure of the server's memory in bytes; the runner is in the same process."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith(f"{word}:")]
    return int(line.split()[1]) * 1024


def test_a_large_artifact_is_carried_whole_in_bounded_memory(site: Site) -> None:
    project = site.project(LARGE)
    before = memory(site.server, "VmRSS")
    Path(f"/proc/{site.server.pid}/clear_refs").write_text("5")  # the peak counts from here on
    number = run(site, project, within=LARGE_SECONDS)["build"]
    large, small = site.client.items(f"/api/v2/project/{project.slug}/{number}/artifacts")
    digest = hashlib.sha256()
    with opened(site, large["url"]) as response:
        assert response.headers["content-length"] == str(LARGE_BYTES)
        disposition = response.headers["content-disposition"]
        assert disposition == "attachment; filename*=UTF-8''large.bin"
        while piece := response.read(1024 * 1024):
            digest.update(piece)
    assert digest.hexdigest() == fetch(site, small["url"]).body.decode().strip()
    assert memory(site.server, "VmHWM") < before + MORE_BYTES
