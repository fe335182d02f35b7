"""How fast caches and workspaces are carried, beside `tar | zstd -3` on the same files."""

import json
import sys
from collections import defaultdict

from tests.e2e.site import Site
from tests.engine import NoEngine, RunningEngine
from tests.images import DEBIAN, have

from bench import figures
from bench.site import pipeline_seconds, serving

ROUNDS = 3
TURNS = 3  # in one job: a slow moment of the disk then hits both
# 3,000 files of 20 to 120 KB, half of them compressible, as dependencies are.
_MAKE = (
    "import os, random; random.seed(1)\n"
    "words = [os.urandom(6).hex() for _ in range(500)]\n"
    "for n in range(3000):\n"
    "    os.makedirs(f'tree/d{n % 60}', exist_ok=True)\n"
    "    size = random.randrange(20_000, 120_000)\n"
    "    text = ' '.join(random.choices(words, k=size // 26)).encode()\n"
    "    data = text + random.randbytes(size // 2)\n"
    "    open(f'tree/d{n % 60}/f{n}', 'wb').write(data)\n"
)
_CONFIG = """
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:stable"}]
    steps:
      - run: {name: make, shell: python3, command: MAKE}
      - run: {name: settle, command: 'tar -cf - tree | zstd -3 -q -o floor.zst; sync'}
TURNSworkflows:
  w: {jobs: [build]}
"""
_TURN = """
      - run: {name: pack floor N, command: 'tar -cf - tree | zstd -3 -q -f -o floor.zst'}
      - save_cache: {name: save N, key: 'k-N-{{ .BuildNum }}', paths: [tree]}
      - persist_to_workspace: {name: persist N, root: ., paths: [tree]}
      - run: {name: settle, command: 'rm -rf tree; sync'}
      - run: {name: unpack floor N, command: 'zstd -dcq floor.zst | tar -xf -'}
      - run: {name: settle, command: 'rm -rf tree; sync'}
      - restore_cache: {name: restore N, key: 'k-N-{{ .BuildNum }}'}
      - run: {name: settle, command: sync}
"""


def measure_archives() -> None:
    """Print the transfers of both back ends."""
    with serving("process") as site:
        measure(site)
    try:
        running = RunningEngine()
    except NoEngine as why:
        sys.stderr.write(f"docker archives: not measured, {why}\n")
        return
    try:
        options = ["--image-map", f"cimg/*={have(running.engine, DEBIAN)}"]
        with serving("docker", options, {"DOCKER_HOST": running.engine.url}) as site:
            measure(site)
    finally:
        running.stop()


def measure(site: Site) -> None:
    """Run the job some times and print each transfer beside its floor."""
    turns = "".join(
        _TURN.strip("\n").replace("N", str(n)).replace(f"Build{n}um", "BuildNum") + "\n"
        for n in range(TURNS)
    )
    project = site.project(_CONFIG.replace("TURNS", turns).replace("MAKE", json.dumps(_MAKE)))
    took: defaultdict[str, list[float]] = defaultdict(list)
    for number in range(1, ROUNDS + 1):
        pipeline_seconds(site.client, project.slug)
        for step in site.client.build(project.slug, number)["steps"]:
            name = step["name"].rstrip("0123456789 ")
            took[name].append(step["actions"][0]["run_time_millis"] / 1000)
    for name, floor in (
        ("save", "pack floor"),
        ("persist", "pack floor"),
        ("restore", "unpack floor"),
    ):
        figures.cost(f"{site.backend}: {name} an archive", took[name], took[floor])
