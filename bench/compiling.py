"""How long configs take to compile, beside reading their YAML alone.

The floor is libyaml's bare events on the same text, read in turns with the compilations; both are
processor time.  Only whole processes are timed by the clock.  The large config has 1,000 jobs and
is as dense as real ones are: two events a line.
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import yaml
from tests.e2e.server import program_environment

from bench import configs, figures, generate_config
from roundel.compiler import FolderOrbs, compile_config
from roundel.domain.plan import Json

ROOT = Path(__file__).parent.parent
VALUES: dict[str, Json] = {"pipeline.number": 1, "pipeline.git.branch": "main"}
BUCKETS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


def measure_compiling() -> None:
    in_process("compile: small config", configs.ONE, 200)
    in_process("compile: config of 1,000 jobs", generate_config.config(1000), 21)
    whole_process("compile: small config, whole process", configs.ONE, 11)
    corpus = spec_folder() / "corpus"
    if corpus.is_dir():
        every_config(corpus)


def in_process(
    name: str, text: str, n: int, orbs: FolderOrbs | None = None, *, refused: bool = False
) -> None:
    """Measure the compilation of a text beside the reading of its events."""

    def compiling() -> None:
        compiled = compile_config(text, values=VALUES, orbs=orbs)
        assert refused or compiled.plan is not None, compiled.problems

    compiling()
    values, floors = figures.in_turns(
        n,
        lambda: figures.processor_seconds(compiling),
        lambda: figures.processor_seconds(reading(text)),
    )
    figures.cost(name, values, floors)


def reading(text: str) -> Callable[[], None]:
    """Return the floor's work: all events of a text, with nothing done about them."""

    def read() -> None:
        for _ in yaml.parse(text, Loader=yaml.CSafeLoader):
            pass

    return read


def whole_process(name: str, text: str, n: int) -> None:
    """Measure `roundel config process` from its start to its end, beside a Python that ends."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(text)
        file.flush()
        command = ["-m", "roundel", "config", "process", file.name]

        def process() -> None:
            assert "version: 2" in python(*command)

        process()
        values, floors = figures.in_turns(
            n,
            lambda: figures.seconds(process),
            lambda: figures.seconds(lambda: python("-c", "")),
        )
    figures.cost(name, values, floors)


def python(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        env=program_environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def every_config(corpus: Path) -> None:
    """Print how many configs of the corpus took up to so many milliseconds, and the slowest."""
    orbs = FolderOrbs(corpus / "orbs")
    counts: Counter[int] = Counter()
    slowest = (0.0, "", "")
    for file in sorted((corpus / "configs").glob("*.yml")):
        text = file.read_text()

        def compiling(text: str = text) -> None:
            compile_config(text, values=VALUES, orbs=orbs)

        taken = min(figures.processor_seconds(compiling) for _ in range(3))
        counts[next(b for b in BUCKETS_MS if taken * 1000 <= b)] += 1
        slowest = max(slowest, (taken, file.name, text))
    for bucket in BUCKETS_MS[: BUCKETS_MS.index(max(counts)) + 1]:
        figures.tally(f"compile: corpus, up to {bucket} ms", counts[bucket], unit="configs")
    in_process(f"compile: corpus, slowest: {slowest[1]}", slowest[2], 5, orbs, refused=True)


def spec_folder() -> Path:
    """Return where the published material lies, if it is there; tests use the same."""
    return Path(os.environ.get("ROUNDEL_SPEC", ROOT.parent / "shared" / "spec"))
