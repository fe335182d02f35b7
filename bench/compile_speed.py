"""Measure the compiler: a large config, a small one as a whole process, and a folder of configs.

    python bench/compile_speed.py [FOLDER OF CONFIGS]

Each figure is the best of several runs, beside the floor measured in the same run: libyaml's bare
events on the same text.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import yaml

from bench.generate_config import config
from roundel.compiler import compile_config

RUNS = 9
SMALL = "version: 2.1\njobs: {build: {machine: true, steps: [checkout, run: make]}}\n"


def best(work: Callable[[], object], runs: int = RUNS) -> float:
    """Return the shortest time that some work took, in seconds."""
    times: list[float] = []
    for _ in range(runs):
        gc.collect()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def bare_events(text: str) -> None:
    """Read the events of a text with libyaml and do nothing with them."""
    for _ in yaml.parse(text, Loader=yaml.CSafeLoader):
        pass


def large() -> None:
    """Measure the config of 1,000 jobs."""
    text = config(1000)
    floor = best(lambda: bare_events(text))
    taken = best(lambda: compile_config(text))
    lines = text.count("\n")
    print(f"compile, {lines} lines, 1,000 jobs: {taken:.3f} s, in process")
    print(f"  bare libyaml events: {floor:.3f} s; {taken / floor:.1f} times that")


def small() -> None:
    """Measure a process that compiles a small config."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(SMALL)
        file.flush()
        code = (
            "import sys; from roundel.compiler import compile_config;"
            "assert compile_config(open(sys.argv[1]).read()).plan"
        )
        command = [sys.executable, "-c", code, file.name]
        taken = best(lambda: subprocess.run(command, check=True))
        floor = best(lambda: subprocess.run([sys.executable, "-c", ""], check=True))
    print(f"compile, small, whole process: {taken:.3f} s; an empty one: {floor:.3f} s")


BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


def folder(path: Path) -> None:
    """Print a histogram of how long each config of a folder takes."""
    counts: Counter[float] = Counter()
    slowest = (0.0, "")
    for file in sorted(path.glob("*.yml")):
        text = file.read_text()
        taken = best(lambda text=text: compile_config(text), 3)  # type: ignore[misc]
        counts[next((b for b in BUCKETS if taken <= b), float("inf"))] += 1
        slowest = max(slowest, (taken, file.name))
    print(f"compile, {counts.total()} configs of {path}:")
    for bucket in sorted(counts):
        print(f"  up to {bucket * 1000:6.0f} ms: {counts[bucket]:4} {'#' * (counts[bucket] // 4)}")
    print(f"  slowest: {slowest[0]:.3f} s, {slowest[1]}")


def main() -> None:
    """Print all figures."""
    large()
    small()
    for name in sys.argv[1:]:
        folder(Path(name))


if __name__ == "__main__":
    main()
