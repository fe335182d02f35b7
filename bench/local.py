"""How long `roundel run` takes, the whole process: one job, 20 in a row, 50 at two slots."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.engine import NoEngine, RunningEngine
from tests.images import DEBIAN, have
from tests.local import Checkout

from bench import configs, figures, floors

Floor = Callable[[int, int], None]  # (how many, how many at once)


def measure_local() -> None:
    measure("process", ["--backend", "process"], {}, floors.run_processes)
    try:
        running = RunningEngine()
    except NoEngine as why:
        sys.stderr.write(f"local runs in docker: not measured, {why}\n")
        return
    try:
        engine = running.engine
        image = have(engine, DEBIAN)
        floor = floors.Engine(str(engine.socket), image)
        options = ["--backend", "docker", "--image-map", f"cimg/*={image}"]
        measure("docker", options, {"DOCKER_HOST": engine.url}, floor.run_containers)
    finally:
        running.stop()


def measure(name: str, options: list[str], extra: Mapping[str, str], floor: Floor) -> None:
    """Print the three figures for one back end."""
    for label, config, count, n in (
        ("one job", configs.ONE, 1, 10),
        ("20 sequential jobs", configs.chain(20), 20, 3),
        ("50 parallel jobs at 2 slots", configs.fan(50), 50, 3),
    ):
        # Not below /tmp: there a job that has a /tmp of its own needs all folders on the way anew.
        with tempfile.TemporaryDirectory(prefix="roundel-bench-", dir="/var/tmp") as folder:
            text = config if isinstance(config, str) else config.decode()
            checkout = Checkout(Path(folder), text)
            at_once = 2 if count == 50 else 1

            def work(checkout: Checkout = checkout) -> None:
                command = [sys.executable, "-m", "roundel", "run", "--slots", "2", *options]
                subprocess.run(
                    command,
                    cwd=checkout.root,
                    env={**checkout.environment(), **extra},
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    check=True,
                )

            def bare(checkout: Checkout = checkout, c: int = count, a: int = at_once) -> None:
                floors.read_config(checkout.root)
                floor(c, a)

            work()  # the first run makes the state folder
            figures.cost(
                f"local {name}: {label}, whole process",
                *figures.in_turns(n, lambda: figures.seconds(work), lambda: figures.seconds(bare)),
            )
