"""Compiling in a process of its own, whose memory and processor time are limited.

What a config may cost is checked by what it uses: memory at its highest, and the processor time of
a refusal, measured against that of a fixed piece of work in the same process.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
MOST_MEMORY = 200_000_000  # bytes that the process may have at its highest
REFUSED_WITHIN = 1.0  # seconds of processor time, of a machine that is no slower than usual
HANG_SECONDS = 30  # of processor time, far more than any config needs

CHILD = """
import json, resource, sys, time
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]), int(sys.argv[2])))
from roundel.compiler import compile_config
with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
values = {"pipeline.git.branch": "main", "pipeline.id": "x"}
began = time.process_time()
for number in range(500_000):
    number % 7
slowness = (time.process_time() - began) / 0.02
began = time.process_time()
result = compile_config(text, values=values)
seconds = time.process_time() - began
memory = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
json.dump({
    "messages": [problem.message for problem in result.problems],
    "jobs": None if result.plan is None else len(result.plan.jobs),
    "seconds": seconds,
    "slowness": slowness,
    "memory": int(memory.split()[1]) * 1024,
}, sys.stdout)
"""


@dataclass(frozen=True)
class Outcome:
    """What became of a config; `jobs` is None if it was refused."""

    messages: list[str]
    jobs: int | None
    memory: int
    seconds: float  # of processor time
    slowness: float  # of this machine as it is now: how long it takes for what usually takes 20 ms


def compiled_in_confinement(text: str, folder: Path) -> Outcome:
    """Compile a text in a process of its own, which must neither crash nor use too much."""
    file = folder / "config.yml"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(file), str(HANG_SECONDS)],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    outcome = Outcome(**json.loads(done.stdout))
    if outcome.jobs is None:
        assert outcome.seconds < REFUSED_WITHIN * max(1.0, outcome.slowness), outcome
    assert outcome.memory < MOST_MEMORY, f"{outcome.memory:,} bytes"
    return outcome
