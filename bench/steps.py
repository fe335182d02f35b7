"""What a step costs, and how fast and in how much memory output flows, masked."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.engine import NoEngine, RunningEngine
from tests.images import DEBIAN, have

from bench import figures

STEPS = 200
BYTES = 1_000_000_000
ROUNDS = 3
SHELL = ["bash", "-eo", "pipefail", "-c"]


def measure_steps() -> None:
    measure("process", [])
    try:
        running = RunningEngine()
    except NoEngine as why:
        sys.stderr.write(f"docker: not measured, {why}\n")
        return
    try:
        measure("docker", [running.engine.url, have(running.engine, DEBIAN)])
    finally:
        running.stop()


def measure(name: str, engine: list[str]) -> None:
    figures.cost(
        f"{name}: one step of {STEPS}",
        *figures.in_turns(
            ROUNDS,
            lambda: _runner("steps", engine)["seconds"] / STEPS,
            lambda: figures.seconds(_shells) / STEPS,
        ),
    )
    peaks = []

    def carried() -> float:
        found = _runner("output", engine)
        peaks.append(found["peak_mb"])
        return BYTES / 1e6 / found["seconds"]

    values, floors = figures.in_turns(
        ROUNDS, carried, lambda: BYTES / 1e6 / figures.seconds(_written)
    )
    figures.rate(f"{name}: output of 1 GB with masking", values, floors, unit="MB/s")
    idle = [_runner("nothing", engine)["peak_mb"]]
    figures.cost(f"{name}: peak memory while 1 GB flows", peaks, idle, unit="MB")


def _shells() -> None:
    for _ in range(STEPS):
        subprocess.run([*SHELL, "true"], check=True)


def _written() -> None:
    with tempfile.NamedTemporaryFile(dir=Path.home()) as file:
        subprocess.run([*SHELL, f"yes | head -c {BYTES} || true"], stdout=file, check=True)


def _runner(what: str, engine: list[str]) -> dict[str, float]:
    """Run a job in a runner of its own process, so that its memory can be told."""
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        done = subprocess.run(
            [sys.executable, "-m", "bench.lone_runner", what, folder, *engine],
            check=True,
            capture_output=True,
            text=True,
        )
    found: dict[str, float] = json.loads(done.stdout)
    return found
