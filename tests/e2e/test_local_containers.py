"""`roundel run` with a container engine: pulls, and containers to go on with."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_local_debugging import CONFIG, set_up_of
from tests.e2e.test_local_runs import processes_of
from tests.engine import RunningEngine
from tests.images import DEBIAN, have
from tests.local import Checkout
from tests.registry import registry
from tests.terminal import Terminal

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
    checkout.run("--prune", **host)


def kept_images(engine: RunningEngine) -> list[str]:
    words = ("images", "--format", "{{.Repository}}:{{.Tag}}", "roundel-snapshot/*")
    return engine.engine.docker(*words).splitlines()


def test_only_the_newest_images_of_a_job_are_kept_and_none_after_pruning(
    tmp_path: Path, engine: RunningEngine
) -> None:
    checkout = Checkout(tmp_path, CONFIG)
    words = ("--backend", "docker", "--image-map", f"cimg/*={have(engine.engine, DEBIAN)}")
    host = {"DOCKER_HOST": engine.engine.url}
    before = set(kept_images(engine))
    checkout.run(*words, "--snapshots", "test", **host)
    assert len(set(kept_images(engine)) - before) == 6  # two steps of build, four of test
    checkout.run(*words, "test", **host)
    (kept,) = set(kept_images(engine)) - before
    assert kept.endswith(":test-0-3")
    done = checkout.run("--prune", **host)
    assert done.stdout == "removed 1 kept folders and 1 images\n", done.stderr
    assert set(kept_images(engine)) == before


INTERRUPTED = """
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}, {image: "cimg/base:current", command: sleep 4711}]
    steps: [run: echo I am here; sleep 4711]
workflows: {main: {jobs: [build]}}
"""


def test_a_failed_container_of_a_folder_with_any_name_is_kept(
    tmp_path: Path, engine: RunningEngine
) -> None:
    checkout = Checkout(tmp_path, CONFIG)
    checkout.root = checkout.root.rename(tmp_path / "My Wörk_2.0")
    words = ("--backend", "docker", "--image-map", f"cimg/*={have(engine.engine, DEBIAN)}")
    host = {"DOCKER_HOST": engine.engine.url}
    before = set(kept_images(engine))
    first = checkout.run(*words, **host)
    assert first.returncode == 1, first.stdout + first.stderr
    assert "not kept" not in first.stderr
    assert len(set(kept_images(engine)) - before) == 1
    assert "│ made" in checkout.run(*words, "--from", "test:Check", **host).stdout
    assert "removed 1 kept folders and 1 images" in checkout.run("--prune", **host).stdout
    assert set(kept_images(engine)) == before


def test_an_image_that_cannot_be_had_is_told_of_once(tmp_path: Path, engine: RunningEngine) -> None:
    checkout = Checkout(tmp_path, INTERRUPTED.replace("cimg/base:current", "127.0.0.1:9/none:1"))
    done = checkout.run("--backend", "docker", "--plain", DOCKER_HOST=engine.engine.url)
    assert done.returncode == 1
    said = [line.partition("│ ")[2] for line in done.stdout.splitlines() if "│" in line]
    assert len(said) == 2  # it is tried once more
    assert said[0].startswith('✗ infrastructure_fail: The image "127.0.0.1:9/none:1" is not on')
    assert said[1] == "✗ infrastructure_fail again"


def test_an_interrupted_run_leaves_no_containers_networks_or_processes(
    tmp_path: Path, engine: RunningEngine
) -> None:
    checkout = Checkout(tmp_path, INTERRUPTED)
    image = have(engine.engine, DEBIAN)
    networks = engine.engine.docker("network", "ls", "--quiet")
    process = subprocess.Popen(
        checkout.command("--backend", "docker", "--image-map", f"cimg/*={image}"),
        cwd=checkout.root,
        env=checkout.environment(DOCKER_HOST=engine.engine.url),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.endswith("│ I am here\n"):
            break
    assert engine.engine.docker("ps", "--quiet") != ""
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 130, output
    assert engine.engine.docker("ps", "--all", "--quiet") == ""
    assert engine.engine.docker("network", "ls", "--quiet") == networks
    assert processes_of(checkout) == []
    assert list(checkout.cache.glob("**/runner/jobs/*")) == []


WATCHED = """
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps: [run: echo built]
  slow:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: {name: Wait, command: echo slow began; sleep 4711}}]
workflows: {main: {jobs: [build, slow: {requires: [build]}]}}
"""


@pytest.mark.tmux
def test_the_live_view_shows_containers_at_work_and_ctrl_c_removes_them(
    tmp_path: Path, engine: RunningEngine
) -> None:
    checkout = Checkout(tmp_path, WATCHED)
    image = have(engine.engine, DEBIAN)
    command = checkout.command("--backend", "docker", "--image-map", f"cimg/*={image}")
    environment = checkout.environment(DOCKER_HOST=engine.engine.url)
    with Terminal(tmp_path, command, cwd=checkout.root, environment=environment) as terminal:
        terminal.shows("✓ build  success", "● slow  running  Wait")
        terminal.type("Down")
        lines = terminal.shows("● slow", "slow began").splitlines()
        assert lines[0] == "main  running"
        terminal.resize(60, 20)
        lines = terminal.shows("slow began", "─" * 40 + "\n").splitlines()
        assert lines[19].startswith("↑↓ job")
        terminal.type("C-c")
        assert terminal.exit_code() == 130
        terminal.shows("main: canceled", "slow", "Logs")
    assert engine.engine.docker("ps", "--all", "--quiet") == ""
    assert list(checkout.cache.glob("**/runner/jobs/*")) == []


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
