"""`roundel demo`, as a newcomer meets it."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.interrupting import interrupted_until_it_ends
from tests.e2e.server import ROOT, processes_of, program_environment
from tests.engine import Engine
from tests.images import DEBIAN, have

pytestmark = pytest.mark.e2e

NO_ENGINE = "unix:///nowhere/docker.sock"
WITHIN_SECONDS = 90


def demo(folder: Path, *options: str, engine: str = NO_ENGINE) -> "subprocess.Popen[str]":
    """Start the demo with `folder` for its temporary files."""
    return subprocess.Popen(
        [sys.executable, "-m", "roundel", "demo", *options],
        env=program_environment({"TMPDIR": str(folder), "DOCKER_HOST": engine}),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def check_story(said: str) -> None:
    """The calls, the output behind the jobs' names, and a table with every job a success."""
    assert "/api/v2/project/gh/demo/tally/pipeline" in said
    assert re.search(r"prepare │ good morning from pipeline 1\n", said)
    rows = re.findall(r"│ (?:test-and-package|release) +│ (\S+) +│ +\d+ │ success", said)
    assert rows == [
        *("prepare", "test-words-0", "test-words-1", "test-lines-0", "count", "package"),
        "announce",
    ]


def test_the_demo_once_shows_a_whole_pipeline_and_leaves_nothing(tmp_path: Path) -> None:
    process = demo(tmp_path, "--once")
    said, _ = process.communicate(timeout=WITHIN_SECONDS)
    assert process.returncode == 0, said
    assert "Warning: no container engine answers." in said
    check_story(said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.docker
def test_the_demo_takes_containers_where_an_engine_has_the_image(
    tmp_path: Path, engine: Engine
) -> None:
    image = have(engine, DEBIAN)
    process = demo(tmp_path, "--once", "--image", image, engine=engine.url)
    said, _ = process.communicate(timeout=WITHIN_SECONDS)
    assert process.returncode == 0, said
    assert f"Jobs run in containers of {image}" in said
    check_story(said)


def test_the_demo_is_interrupted_also_where_a_shell_had_it_ignore_that(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as for `roundel demo &` in a script
    try:
        process = demo(tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)  # long before it waits for one
    said, _ = process.communicate(timeout=WITHIN_SECONDS)
    assert process.returncode == 0, said
    assert "Stopped; nothing is left behind." in said
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


def test_the_demo_stays_up_until_ctrl_c_and_ends_its_server(tmp_path: Path) -> None:
    process = demo(tmp_path)
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("The server stays up"):
            break
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=WITHIN_SECONDS)
    assert process.returncode == 0, said + rest
    assert "Stopped; nothing is left behind." in rest
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


def test_ctrl_c_said_over_and_over_leaves_nothing_of_the_demo(tmp_path: Path) -> None:
    process = demo(tmp_path)
    assert process.stdout is not None
    said = next(line for line in process.stdout if line.startswith("The server is at"))
    said += interrupted_until_it_ends(process, WITHIN_SECONDS)
    assert "Stopped; nothing is left behind." in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []
