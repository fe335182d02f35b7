"""`roundel run` with a container engine: pulls, and containers to go on with."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_local_debugging import CONFIG, set_up_of
from tests.engine import RunningEngine
from tests.images import DEBIAN, have
from tests.local import Checkout
from tests.registry import registry

pytestmark = [pytest.mark.e2e, pytest.mark.docker]


@pytest.fixture(scope="module")
def engine() -> Iterator[RunningEngine]:
    running = RunningEngine()
    yield running
    running.stop()


def test_a_failed_container_is_kept_without_asking_and_gone_on_with(
    tmp_path: Path, engine: RunningEngine
) -> None:
    checkout = Checkout(tmp_path, CONFIG)
    image = have(engine.engine, DEBIAN)
    words = ("--backend", "docker", "--image-map", f"cimg/*={image}")
    host = {"DOCKER_HOST": engine.engine.url}
    first = checkout.run(*words, **host)
    assert first.returncode == 1, first.stdout + first.stderr
    resumed = checkout.run(*words, "--from", "test:Check", "--json", **host)
    events = [json.loads(line) for line in resumed.stdout.splitlines()]
    said = [event["text"] for event in events if event["event"] == "output"]
    assert "setting up" not in said
    assert said[said.index("made") + 1] == set_up_of(first.stdout)


def test_a_pull_is_told_of_while_it_goes_on(tmp_path: Path, engine: RunningEngine) -> None:
    host = {"DOCKER_HOST": engine.engine.url}
    with registry() as image:
        config = f"""
version: 2.1
jobs: {{build: {{docker: [{{image: "{image}"}}], steps: [run: echo never]}}}}
workflows: {{main: {{jobs: [build]}}}}
"""
        checkout = Checkout(tmp_path, config)
        done = checkout.run("--backend", "docker", **host)
    assert done.returncode == 1
    assert f"│ Pulling {image} …" in done.stdout
    assert "it has no /bin/sh" in done.stdout
